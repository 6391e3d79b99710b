"""Seeds, orders and masks: the same bits for ever, and no two streams alike."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from thalweg.engine import streams
from thalweg.errors import SettingError


def digest(array: NDArray[Any]) -> str:
    return hashlib.sha256(array.astype("<i8").tobytes()).hexdigest()[:16]


# Written down once: a seed that someone published has to give the same run in later versions, of NumPy too.
ORDERS = {
    (0, 0, 5): "189d4ad44acd04fb",
    (0, 1, 100): "9c5ec4ad452674bc",
    (7, 0, 1000): "ae2924548727d1f3",
    (2**200, 3, 64): "8ab81c5b6756545d",
}
MASKS = {
    (0, 1, 0, (3, 4), 0.5): "5e15e1a0aeae8a45",
    (2**63 - 1, 10**6, 2, (64, 100), 0.8): "5f37a0e9df101d59",
    (12345, 7, 1, (128, 7), 0.9): "d6950e80b30c3237",
}


@pytest.mark.parametrize(("seed", "epoch", "rows"), ORDERS, ids=str)
def test_an_order_outlives_the_version(seed: int, epoch: int, rows: int) -> None:
    order = streams.shuffled(streams.seed_sequence(seed), epoch, rows)
    assert order.dtype == np.int64
    assert sorted(order) == list(range(rows))
    assert digest(order) == ORDERS[seed, epoch, rows]


def test_equal_keys_keep_the_order_of_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = np.random.default_rng(0).integers(0, 200, 1000) / 200

    class Drawn:
        def random(self, rows: int) -> NDArray[Any]:
            return keys[:rows].copy()

    monkeypatch.setattr(streams, "generator", lambda *given: Drawn())
    order = streams.shuffled(streams.seed_sequence(0), 0, 1000)
    assert order.tolist() == sorted(range(1000), key=lambda row: keys[row])


@pytest.mark.parametrize("key", MASKS, ids=str)
def test_a_mask_outlives_the_version(key: tuple[int, int, int, tuple[int, int], float]) -> None:
    mask = streams.dropout_mask(*key)
    assert mask.shape == key[3]
    assert digest(mask) == MASKS[key]


def test_orders_differ_from_epoch_to_epoch_and_from_seed_to_seed() -> None:
    orders = [streams.shuffled(streams.seed_sequence(seed), epoch, 50) for seed in range(5) for epoch in range(5)]
    assert len({digest(order) for order in orders}) == 25


def test_every_row_comes_first_equally_often() -> None:
    root = streams.seed_sequence(1)
    first = np.bincount([streams.shuffled(root, epoch, 8)[0] for epoch in range(4000)], minlength=8)
    assert abs(first - 500).max() < 100  # five standard deviations


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8, 0.999])
def test_the_share_kept_is_the_share_asked_for(share: float) -> None:
    for step in (1, 2, 10**9):
        mask = streams.dropout_mask(3, step, 0, (1000, 200), share)
        spread = (share * (1 - share) / mask.size) ** 0.5
        assert abs(mask.mean() - share) < 5 * spread
        assert abs(mask.mean(axis=0) - share).max() < 6 * (share * (1 - share) / 1000) ** 0.5


def test_all_units_are_kept_at_one() -> None:
    assert streams.dropout_mask(0, 1, 0, (50, 50), 1.0).all()


def test_masks_of_other_seeds_steps_and_layers_are_unrelated() -> None:
    keys = itertools.product([0, 1, 2**40], [1, 2, 2**32], [0, 1, 2])
    masks = np.array([streams.dropout_mask(*key, (100, 40), 0.5).ravel() for key in keys])
    related = np.corrcoef(masks) - np.eye(len(masks))
    assert abs(related).max() < 6 / 4000**0.5


def test_neighbours_in_a_mask_are_unrelated() -> None:
    mask = streams.dropout_mask(5, 1, 0, (500, 500), 0.5).astype(float) - 0.5
    for other in (mask[1:, :], mask[:, 1:]):
        here = mask[: other.shape[0], : other.shape[1]]
        assert abs((here * other).mean() / 0.25) < 6 / 500


def test_purposes_have_streams_of_their_own() -> None:
    root = streams.seed_sequence(0)
    purposes = (streams.INITIALISATION, streams.ORDER, streams.DROPOUT, streams.SPLIT)
    drawn = {streams.generator(root, purpose, index).integers(0, 2**63) for purpose in purposes for index in range(3)}
    assert len(drawn) == 12
    assert streams.generator(root, 1, 2).random() == streams.generator(streams.seed_sequence(0), 1, 2).random()


def test_children_of_a_seed_sequence_are_seeds_of_their_own() -> None:
    children = np.random.SeedSequence(0).spawn(2)
    orders = [streams.shuffled(streams.seed_sequence(child), 0, 50) for child in (np.random.SeedSequence(0), *children)]
    assert len({digest(order) for order in orders}) == 3


@pytest.mark.parametrize(
    "made", [lambda: np.random.default_rng(3), lambda: np.random.RandomState(3)], ids=["Generator", "RandomState"]
)
def test_a_generator_gives_a_new_seed_each_time_and_the_same_ones_again(made: Any) -> None:
    one, again = made(), made()
    first, second = streams.seed_sequence(one).entropy, streams.seed_sequence(one).entropy
    assert first != second
    assert first == streams.seed_sequence(again).entropy


def test_without_a_seed_no_two_runs_are_alike() -> None:
    assert streams.seed_sequence(None).entropy != streams.seed_sequence(None).entropy


@pytest.mark.parametrize("bad", [-1, 1.5, "x", [1], np.float64(2)], ids=repr)
def test_what_is_no_seed_is_refused(bad: object) -> None:
    with pytest.raises(SettingError, match="SETTING-SEED"):
        streams.seed_sequence(bad)


def test_an_order_drawn_again_is_the_same_and_belongs_to_whom_it_was_given() -> None:
    for root in (np.random.SeedSequence(3), np.random.SeedSequence([3, 4]), np.random.SeedSequence(3).spawn(1)[0]):
        first = streams.shuffled(root, 0, 50)
        expected = first.tolist()
        first[:] = 0
        assert streams.shuffled(root, 0, 50).tolist() == expected
        assert streams.shuffled(root, 1, 50).tolist() != expected
    apart = {tuple(streams.shuffled(np.random.SeedSequence(seed), 0, 50)) for seed in (3, [3, 4], [4, 3])}
    assert len(apart) == 3


def test_long_orders_are_not_kept() -> None:
    rows = streams._REMEMBERED_ROWS + 1
    before = streams._remembered.cache_info().misses
    order = streams.shuffled(streams.seed_sequence(0), 0, rows)
    assert sorted(order) == list(range(rows))
    assert streams._remembered.cache_info().misses == before


def test_order_of_a_block_is_a_permutation_of_its_own() -> None:
    root = streams.seed_sequence(4)
    orders = [streams.shuffled_block(root, epoch, first, 1000) for epoch in (0, 1) for first in (0, 1000, 2000)]
    assert all((np.sort(order) == np.arange(1000)).all() for order in orders)
    assert len({order.tobytes() for order in orders}) == 6
    np.testing.assert_array_equal(orders[1], streams.shuffled_block(root, 0, 1000, 1000))
    # Each half of the order holds about half of each half of the rows.
    assert 420 < np.count_nonzero(orders[0][:500] < 500) + np.count_nonzero(orders[1][500:] >= 500) < 580
