"""Randomness: seeds and orders from NumPy's Generators, dropout masks from a counter.

A mask is a function of (seed, step, layer, position) alone, so the same seed gives the same bits in one thread or
many, in memory or streamed, resumed or not.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from thalweg.engine.arithmetic import nested
from thalweg.errors import SettingError

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)


@nested
def mix(bits):  # type: ignore[no-untyped-def]
    """Scramble 64 bits (the finaliser of SplitMix64; Steele, Lea and Flood 2014). Works on scalars and arrays."""
    bits = (bits ^ (bits >> np.uint64(30))) * _MIX1
    bits = (bits ^ (bits >> np.uint64(27))) * _MIX2
    return bits ^ (bits >> np.uint64(31))


@nested
def layer_key(seed, step, layer):  # type: ignore[no-untyped-def]
    """Key of one layer's mask at one update; all arguments uint64."""
    return mix(mix(mix(seed + _GOLDEN) ^ step) + layer * _GOLDEN)


@nested
def kept(key, position, threshold):  # type: ignore[no-untyped-def]
    """Tell whether the unit at ``position`` (row * units + unit, uint64) survives."""
    return mix(key + position * _GOLDEN) >> np.uint64(11) < threshold


def threshold(keep_probability: float) -> np.uint64:
    """Return the bound on 53 random bits below which a unit is kept."""
    return np.uint64(round(keep_probability * 2.0**53))


def dropout_mask(
    seed: int, step: int, layer: int, shape: tuple[int, int], keep_probability: float
) -> NDArray[np.bool_]:
    """Return the mask that the native network uses.

    Parameters
    ----------
    seed, step, layer : int
        Seed of the run, update (from 1), hidden layer (from 0).
    shape : (batch, units)
    keep_probability : float in (0, 1]

    Returns
    -------
    ndarray of bool, shape (batch, units)
    """
    with np.errstate(over="ignore"):
        key = layer_key(np.uint64(seed), np.uint64(step), np.uint64(layer))
        positions = np.arange(shape[0] * shape[1], dtype=np.uint64)
        mask: NDArray[np.bool_] = kept(key, positions, threshold(keep_probability)).reshape(shape)
    return mask


def seed_sequence(random_state: object) -> np.random.SeedSequence:
    """Return the root of a run's randomness for an int >= 0, a Generator, a RandomState, a SeedSequence, or None.

    Raises
    ------
    SettingError
        ``SETTING-SEED``: anything else.
    """
    if random_state is None:
        return np.random.SeedSequence()
    if isinstance(random_state, int | np.integer) and random_state >= 0:
        return np.random.SeedSequence(int(random_state))
    if isinstance(random_state, np.random.SeedSequence):
        return random_state
    if isinstance(random_state, np.random.Generator):
        return np.random.SeedSequence(int(random_state.integers(0, 2**63)))
    if isinstance(random_state, np.random.RandomState):
        return np.random.SeedSequence(int(random_state.randint(0, 2**31 - 1)))
    allowed = "must be None, an int >= 0, a Generator, a RandomState or a SeedSequence"
    raise SettingError(
        "SETTING-SEED", "random_state", f"{allowed}, got {type(random_state).__name__} {random_state!r:.40}"
    )


def generator(root: np.random.SeedSequence, purpose: int, *index: int) -> np.random.Generator:
    """Return a Generator of its own for one purpose and index (0, or an epoch, say), whatever was drawn elsewhere."""
    child = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, purpose, *(index or (0,))))
    return np.random.Generator(np.random.Philox(child))


def shuffled(root: np.random.SeedSequence, epoch: int, rows: int) -> NDArray[np.int64]:
    """Return the order of the rows in one epoch: a permutation of ``range(rows)``, int64."""
    if rows > _REMEMBERED_ROWS:
        return _drawn(root, epoch, rows)
    entropy = root.entropy if isinstance(root.entropy, int) else tuple(root.entropy or ())
    return _remembered(entropy, root.spawn_key, epoch, rows).copy()


def shuffled_block(root: np.random.SeedSequence, epoch: int, first: int, rows: int) -> NDArray[np.int64]:
    """Return the order of the rows of a stream's block in one epoch: a permutation of ``range(rows)``, int64.

    ``first`` is the number of the block's first row. The rows are sorted by 32 random bits, and where these are equal
    by their numbers, which stand behind them in one word: a block comes once, so that its order is a good part of the
    time that it takes, and words are sorted in half the time that an argsort takes.
    """
    keys = generator(root, ORDER, epoch, first).integers(1 << 32, size=rows, dtype=np.uint32)
    words = np.left_shift(keys, 32, dtype=np.uint64)
    words |= np.arange(rows, dtype=np.uint32)  # half the memory of wider numbers, which are new every time
    words.sort()
    words &= np.uint64(0xFFFFFFFF)
    return words.view(np.int64)


def _drawn(root: np.random.SeedSequence, epoch: int, rows: int) -> NDArray[np.int64]:
    keys = generator(root, ORDER, epoch).random(rows)
    order = np.argsort(keys)  # up to six times faster than the stable sort, and the same where no two keys are equal
    drawn = keys[order]
    if (drawn[1:] == drawn[:-1]).any():
        order = np.argsort(keys, kind="stable")
    return order.astype(np.int64, copy=False)


# Runs of one seed, as a comparison makes by the hundred, visit the rows in the same orders, and drawing one takes a
# quarter of a small network's epoch. What is remembered takes 16 MB at most.
_REMEMBERED_ROWS, _REMEMBERED_ORDERS = 1 << 13, 1 << 8


@lru_cache(maxsize=_REMEMBERED_ORDERS)
def _remembered(entropy: int | tuple[int, ...], spawn_key: tuple[int, ...], epoch: int, rows: int) -> NDArray[np.int64]:
    return _drawn(np.random.SeedSequence(entropy, spawn_key=spawn_key), epoch, rows)


INITIALISATION, ORDER, DROPOUT, SPLIT = range(4)
