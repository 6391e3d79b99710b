"""Our rules against the peers themselves, at every step of the tape. `make test-peers` installs them and runs this.

Where a peer is missing these tests fail: a comparison that was asked for never passes by not being made.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.peers.cases import CASES, MIXTURES, Case, Mixture
from tests.peers.live import live_trajectory
from tests.peers.record import FOLDER
from tests.peers.tape import TOLERANCE, native_trajectory, recorded, trajectory, worst_relative_difference

if TYPE_CHECKING:
    from numpy.typing import NDArray

pytestmark = pytest.mark.peers

_BY_NAME = {(case.peer, case.theirs): case for case in CASES}


@cache
def _thetas(peer: str, name: str) -> NDArray[np.float64]:
    case = _BY_NAME[peer, name]
    return live_trajectory(peer, case.optimizer, case.settings)


def theirs(case: Case) -> NDArray[np.float64]:
    return _thetas(case.peer, case.theirs)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_formula_follows_the_live_peer_step_by_step(case: Case) -> None:
    assert worst_relative_difference(trajectory(case.rule), theirs(case)) <= TOLERANCE


@pytest.mark.parametrize("case", CASES, ids=str)
def test_native_loop_follows_the_live_peer_step_by_step(case: Case) -> None:
    assert worst_relative_difference(native_trajectory(case.rule), theirs(case)) <= TOLERANCE


@pytest.mark.parametrize("mixture", MIXTURES, ids=str)
def test_formula_follows_the_mean_of_live_paths(mixture: Mixture) -> None:
    mean = sum((weight * theirs(part) for weight, part in mixture.parts), start=np.zeros(()))
    assert worst_relative_difference(trajectory(mixture.rule), mean) <= TOLERANCE


@pytest.mark.parametrize("case", CASES, ids=str)
def test_recorded_file_holds_what_the_live_peer_does(case: Case) -> None:
    content = json.loads((FOLDER / case.file).read_text(encoding="utf-8"))
    assert worst_relative_difference(np.array(content["thetas"][case.theirs]), recorded(theirs(case))) <= TOLERANCE
