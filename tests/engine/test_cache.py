"""The compile cache on disk: right in every process, whatever was edited, damaged or taken away between them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from numba.core.caching import CacheImpl

from thalweg.engine import compile as compiler
from thalweg.engine.compile import CacheWarning
from thalweg.formulas.formula import Rule, rule

# Each process tells what it computed, how often the compiler ran, and what it warned of.
BEGINNING = """
import json, sys, warnings
import numpy as np
from numba.core import event
from thalweg.engine.compile import update_kernel
from thalweg.formulas.formula import rule

told = {"results": []}
caught = warnings.catch_warnings(record=True)
messages = caught.__enter__()
recorder = event.RecordingListener()
event.register("numba:compile", recorder)

def tell(made):
    theta, half = np.array([1.0, 2.0]), np.array([0.5])
    update = update_kernel(made, "float64")
    update(theta, np.ones(2), np.zeros((0, 2)), half, half, np.zeros((1, 1)), 1.0, 0, 2)
    told["results"].append(theta.tolist())
"""
END = """
told["compiled"] = sum(found.is_start for _, found in recorder.buffer)
told["warned"] = [str(m.message) for m in messages]
print(json.dumps(told))
"""


def start(script: str, cache: Path, folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    text = BEGINNING + script + END
    return subprocess.Popen(
        [sys.executable, "-c", text],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    told: dict[str, Any] = json.loads(output)
    return told


def run(script: str, cache: Path, folder: Path) -> dict[str, Any]:
    return finish(start(script, cache, folder))


def entries(cache: Path) -> dict[str, tuple[int, int]]:
    """Every file below a folder, with its size and the time at which it was written."""
    return {
        str(p.relative_to(cache)): (p.stat().st_size, p.stat().st_mtime_ns) for p in cache.rglob("*") if p.is_file()
    }


USERS_RULE = """
from thalweg.formulas.formula import rule
SCALE = 0.25

def damped(x, by=2.0):
    return x * SCALE / by

@rule
def mine(theta, g, t, m, *, learning_rate=0.5):
    m = damped(m) + g
    return theta - learning_rate * m, m
"""

A_RUN = """
from thalweg.descent.batches import Rows
from thalweg.descent.models import Linear
from thalweg.descent.run import Run
from thalweg.descent.settings import Settings
from thalweg.formulas.losses import squared
from users import mine

X = np.random.default_rng(0).normal(size=(20, 3))
for batch_size in (1, 4):  # the fused loop and the general one
    told_what = Settings(mine, squared, batch_size=batch_size, max_iter=3)
    run = Run(Linear(3), Rows.of(X, X.sum(axis=1)), told_what, random_state=0)
    told["results"].append(run.descend().theta.tolist())
"""


def test_a_second_process_compiles_nothing_and_the_folder_does_not_grow(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (tmp_path / "users.py").write_text(USERS_RULE, encoding="utf-8")
    first = run(A_RUN, cache, tmp_path)
    kept = entries(cache)
    assert first["compiled"] > 0
    assert kept
    for _ in range(2):
        again = run(A_RUN, cache, tmp_path)
        assert again == {"results": first["results"], "compiled": 0, "warned": []}
        assert entries(cache) == kept


COMPILING_AFTERWARDS = """
assert "numba.np.linalg" not in sys.modules  # nor the rest of what Numba can compile

import numba
from thalweg.formulas.rules import signsgd
assert numba.njit(lambda x: np.linalg.norm(x) + x[::-1].sum())(np.array([3.0, 4.0])) == 12.0
tell(signsgd)
"""


def test_kernels_are_loaded_without_what_compiling_needs_and_compiling_works_afterwards(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (tmp_path / "users.py").write_text(USERS_RULE, encoding="utf-8")
    first = run(A_RUN, cache, tmp_path)
    again = run(A_RUN + COMPILING_AFTERWARDS, cache, tmp_path)
    assert again["results"] == [*first["results"], [0.5, 1.5]]
    assert again["warned"] == []


def version(scale: float, by: int, sign: str) -> tuple[str, list[float]]:
    """A file of a user, and where its rule goes from (1, 2)."""
    text = f"""
from thalweg.formulas.formula import rule
SCALE = {scale}
def damped(x):
    return x / {by}
@rule
def mine(theta, g, t, *, learning_rate=0.5):
    return theta {sign} learning_rate * SCALE * damped(g)
"""
    step = 0.5 * scale / by * (1 if sign == "+" else -1)
    return text, [1 + step, 2 + step]


VERSIONS = [version(1.0, 2, "-"), version(3.0, 2, "-"), version(3.0, 4, "-"), version(3.0, 4, "+")]


def test_an_edited_formula_constant_or_helper_runs_as_edited(tmp_path: Path) -> None:
    # One file, one name, one line: only the content tells the versions apart.
    cache, file = tmp_path / "cache", tmp_path / "users.py"
    sizes = []
    for text, expected in VERSIONS:
        file.write_text(text, encoding="utf-8")
        told = run("import users\ntell(users.mine)", cache, tmp_path)
        assert told["results"] == [expected]
        assert told["compiled"] == (1 if sizes else 2)  # the first compiles the way in from Python, too
        sizes.append(len(entries(cache)))
    assert sizes == [2, 3, 4, 5]
    # All four rules of one name in one process, from the cache: each runs as itself.
    for k, (text, _) in enumerate(VERSIONS):
        (tmp_path / f"users{k}.py").write_text(text, encoding="utf-8")
    told = run("for k in range(4): tell(__import__(f'users{k}').mine)", cache, tmp_path)
    assert told == {"results": [expected for _, expected in VERSIONS], "compiled": 0, "warned": []}


def test_processes_that_compile_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (tmp_path / "users.py").write_text(VERSIONS[0][0], encoding="utf-8")
    processes = [start("import users\ntell(users.mine)", cache, tmp_path) for _ in range(4)]
    for told in map(finish, processes):
        assert told["results"] == [VERSIONS[0][1]]
        assert told["warned"] == []
    assert len(entries(cache)) == 2, "the rule, the way in from Python, and nothing half written"
    assert run("import users\ntell(users.mine)", cache, tmp_path)["compiled"] == 0


def test_a_full_disk_costs_one_warning(tmp_path: Path) -> None:
    for k, (text, _) in enumerate(VERSIONS[:2]):
        (tmp_path / f"users{k}.py").write_text(text, encoding="utf-8")
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))\n"
    told = run(f"{full}for k in range(2): tell(__import__(f'users{{k}}').mine)", tmp_path / "cache", tmp_path)
    assert told["results"] == [expected for _, expected in VERSIONS[:2]]
    assert len(told["warned"]) == 1
    assert "NUMBA_CACHE_DIR" in told["warned"][0]
    assert entries(tmp_path / "cache") == {}


# ---- within one process: damage --------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(folder))
    monkeypatch.setattr(compiler, "_warned", set())
    return folder


@rule
def downhill(theta, g, t, *, learning_rate=0.5):
    return theta - learning_rate * g


@rule
def uphill(theta, g, t, *, learning_rate=0.5):
    return theta + learning_rate * g


def compiled(made: Rule) -> Any:
    """Compile as in a new process: past the memory of this one."""
    return compiler.kernel_from_text.__wrapped__(*made.kernel_text("float64"), compiler.update_signature("float64"))


def moves(made: Rule) -> float:
    theta = np.zeros(1)
    compiled(made)(theta, np.ones(1), np.zeros((0, 1)), np.array([0.5]), np.array([0.5]), np.zeros((1, 1)), 1.0, 0, 1)
    return float(theta[0])


def files(cache: Path) -> list[Path]:
    """Every entry but that of the way in from Python, which all rules share."""
    return sorted(p for p in cache.rglob("*.nbc") if p.is_file() and ".enter_" not in p.name)


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def only_its_seal(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:32])


def random_bytes(file: Path) -> None:
    file.write_bytes(np.random.default_rng(0).bytes(file.stat().st_size))


def one_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))


def wrong_seal(file: Path) -> None:
    file.write_bytes(bytes(32) + file.read_bytes()[32:])


def longer(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"more")


def directory(file: Path) -> None:
    file.unlink()
    file.mkdir()
    (file / "inside").write_bytes(b"something")


DAMAGES = [truncated, emptied, only_its_seal, random_bytes, one_bit, wrong_seal, longer, directory]


@pytest.fixture
def one_warning() -> Iterator[None]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    # What other tests have left to be collected may warn here.
    assert [w.category for w in caught if not issubclass(w.category, ResourceWarning)] == [CacheWarning]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.usefixtures("one_warning")
def test_a_damaged_entry_costs_one_warning_and_is_mended(damage: Callable[[Path], None], cache: Path) -> None:
    assert (moves(downhill), moves(uphill)) == (-0.5, 0.5)
    sound = {file: file.stat().st_size for file in files(cache)}
    assert len(sound) == 2
    for file in sound:
        damage(file)
    assert (moves(downhill), moves(uphill)) == (-0.5, 0.5)  # two damaged entries, one warning
    assert {file: file.stat().st_size for file in files(cache)} == pytest.approx(sound, rel=0.01)
    compiler._warned.clear()
    assert (moves(downhill), moves(uphill)) == (-0.5, 0.5)  # and none any more


@pytest.mark.usefixtures("one_warning")
def test_entries_that_changed_places_are_not_run_for_each_other(cache: Path) -> None:
    assert (moves(downhill), moves(uphill)) == (-0.5, 0.5)
    one, other = files(cache)
    contents = one.read_bytes(), other.read_bytes()
    one.write_bytes(contents[1])
    other.write_bytes(contents[0])
    assert (moves(downhill), moves(uphill)) == (-0.5, 0.5)


@pytest.mark.usefixtures("one_warning")
def test_an_entry_that_may_not_be_read_costs_one_warning(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert moves(downhill) == -0.5

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    compiler._stamp()  # reads the library's own text, once
    monkeypatch.setattr(Path, "read_bytes", refuse)  # the superuser of a container may read anything
    assert moves(downhill) == -0.5


@pytest.mark.usefixtures("one_warning")
def test_a_folder_that_may_not_be_written_costs_one_warning(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, data: bytes) -> int:
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    assert (moves(downhill), moves(uphill), moves(downhill)) == (-0.5, 0.5, -0.5)
    assert files(cache) == []


@pytest.mark.usefixtures("one_warning")
def test_a_folder_that_is_gone_costs_one_warning(cache: Path) -> None:
    kernels = [compiler._SealedCache(compiler.from_text(*made.kernel_text("float64"))) for made in (downhill, uphill)]
    folder = Path(kernels[0]._cache_path)
    folder.rmdir()
    folder.write_text("a file in its place")
    for kernel in kernels:
        signature = compiler.update_signature("float64")
        assert kernel.load_overload(signature, compiled_target()) is None
        kernel.save_overload(signature, sound_result())


def compiled_target() -> Any:
    return numba.core.registry.cpu_target.target_context


def sound_result() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (result,) = compiled(downhill).overloads.values()
    return result


@pytest.mark.usefixtures("one_warning")
def test_no_folder_at_all_costs_one_warning(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    assert (moves(downhill), moves(uphill)) == (-0.5, 0.5)
    assert not cache.exists()


def test_a_long_name_is_kept_as_any_other(cache: Path) -> None:
    names = [letter * 300 for letter in "λr"]
    made = [rule(f"def {name}(theta, g, t, *, learning_rate=0.5): return theta - learning_rate * g") for name in names]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [moves(one) for one in made] == [-0.5, -0.5]
    assert len(files(cache)) == 2
    assert made[0].kernel_text("float64")[0].isidentifier()


@pytest.mark.parametrize("place", ["a file", "nowhere"])
def test_a_cache_folder_that_cannot_be_made_is_passed_over(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a file").write_text("")
    folder = tmp_path / "a file" / "cache" if place == "a file" else Path("/proc/1/nowhere")
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(folder))
    assert moves(downhill) == -0.5


@pytest.mark.parametrize("what", ["bounds checks", "version of Numba"])
def test_another_way_of_compiling_is_another_cache(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = compiler._stamp.__wrapped__()
    assert compiler._stamp.__wrapped__() == before
    if what == "bounds checks":
        monkeypatch.setattr(numba.config, "BOUNDSCHECK", 1)
    else:
        monkeypatch.setattr(numba, "__version__", "0.0")
    assert compiler._stamp.__wrapped__() != before
