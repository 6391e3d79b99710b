"""Files that mean harm: none of a thousand runs anything, and none of half a million brings the reader down."""

from __future__ import annotations

import bz2
import copy
import gzip
import io
import json
import lzma
import os
import pickle
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io

import thalweg as tw
from thalweg.errors import LimitError, ModelFileError
from thalweg.exchange import tensors

WRITTEN = Path(__file__).parents[1] / "exchange" / "written"
GOOD = [WRITTEN / f"{name}.thalweg" for name in ("estimator-2", "regression-2", "classification-1", "estimators-3")]
ROWS = np.arange(12.0).reshape(6, 2)


class Harmful:
    """Leaves a file behind when it is unpickled."""

    def __reduce__(self):
        return os.system, ("touch harmed",)


def written(write: Callable[[Any], Any]) -> bytes:
    content = io.BytesIO()
    write(content)
    return content.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    def write(file: Any) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)

    return written(write)


def tarred(name: str, content: bytes) -> bytes:
    def write(file: Any) -> None:
        with tarfile.open(fileobj=file, mode="w") as archive:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))

    return written(write)


def raw(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def signed(description: dict[str, Any], arrays: dict[str, Any], folder: Path) -> bytes:
    """A file whose checksum fits, whatever it says."""
    tensors.write(folder / "signed", description, arrays)
    return (folder / "signed").read_bytes()


def kinds(folder: Path) -> dict[str, bytes]:
    """What a stranger may send, by kind."""
    bad = [pickle.dumps(Harmful(), protocol=protocol) for protocol in range(6)]
    objects, good = np.array([Harmful()], dtype=object), GOOD[0].read_bytes()
    spans = {"dtype": "F64", "shape": [len(bad[2]) // 8], "data_offsets": [0, len(bad[2]) // 8 * 8]}
    found = {f"pickle-{k}": content for k, content in enumerate(bad)}
    found |= {f"joblib-{k}": written(lambda f, k=k: joblib.dump(Harmful(), f, compress=k)) for k in (0, 1, 3, 9)}
    found |= {
        "npy": written(lambda f: np.save(f, objects)),
        "npz": written(lambda f: np.savez(f, objects)),
        "npz-compressed": written(lambda f: np.savez_compressed(f, weights=objects)),
        "torch": zipped({"archive/data.pkl": bad[2], "archive/version": b"3\n"}),
        "zip-outside": zipped({"../../harmed": b"x", "data.pkl": bad[2]}),
        "zip-bomb": zipped({"weights": bytes(1 << 22)}),
        "skops": skops.io.dumps({"a": [1.0]}),
        "tar": tarred("model.pkl", bad[2]),
        "gzip": gzip.compress(bad[2]),
        "bzip2": bz2.compress(bad[2]),
        "xz": lzma.compress(bad[2]),
        "python": b"import os\nos.system('touch harmed')\n",
        "shell": b"#!/bin/sh\ntouch harmed\n",
        "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(100),
        "onnx": b"\x08\x09\x12\x07pytorch" + bytes(100),
        "marshal": b"\xe3" + bytes(60),
        "safetensors": raw({"__metadata__": {"format": "pt"}, "a": spans}, bad[2][: len(bad[2]) // 8 * 8]),
        "header-is-a-pickle": raw(bad[0]),
        "pickle-behind": good + bad[2],
        "pickle-before": bad[2] + good,
        "polyglot": raw({"a": spans}) + zipped({"data.pkl": bad[2]}),
        "yaml": b"!!python/object/apply:os.system ['touch harmed']\n",
        "json": b'{"py/reduce": [{"py/function": "os.system"}, {"py/tuple": ["touch harmed"]}]}',
    }
    for k, value in enumerate(
        [
            {"formula": "rule", "name": "os.system", "numbers": {}},
            {"formula": "rule", "name": "adam", "numbers": {}, "identity": "0"},
            {"formula": "__class__", "name": "adam", "numbers": {}},
            {"formula": "rule", "name": "adam", "numbers": {"__class__": 1}},
            {"generator": "system", "state": {"dict": [["bit_generator", "os"]]}},
            {"generator": "Generator", "state": {"dict": [["bit_generator", "__builtins__"]]}},
            {"array": "O", "shape": [1], "values": [{"__reduce__": "os.system"}]},
            {"py/object": "os.system"},
            {"dtype": "O,O"},
            {"seeds": [["__class__", "os.system"]]},
        ]
    ):
        description, arrays = tensors.read(GOOD[0])
        description["fitted"]["_rule"] = value
        found[f"signed-{k}"] = signed(description, arrays, folder)
        description, arrays = tensors.read(GOOD[0])
        description["parameters"]["random_state"] = value
        found[f"signed-parameter-{k}"] = signed(description, arrays, folder)
    return found


def hostile(folder: Path, count: int) -> Iterator[tuple[str, bytes]]:
    """As many files: each kind as it is, then cut, doubled, with other beginnings and flipped bits."""
    draw, sent = np.random.default_rng(0), kinds(folder)
    yield from sent.items()
    names = list(sent)
    for k in range(count - len(sent)):
        name = names[k % len(names)]
        content = sent[name]
        match draw.integers(5):
            case 0:
                content = content[: draw.integers(len(content))]
            case 1:
                content = content * 2
            case 2:
                content = GOOD[0].read_bytes()[: draw.integers(400)] + content
            case 3:
                content = len(content).to_bytes(8, "little") + content
            case _:
                turned = bytearray(content)
                for at in draw.integers(len(turned), size=4):
                    turned[at] ^= 1 << draw.integers(8)
                content = bytes(turned)
        yield f"{name}-{k}", content


SCRIPT = """
import os, pathlib, sys
import thalweg
from thalweg.errors import ThalwegError
from thalweg.exchange.card import card
from thalweg.formulas import catalog

folder, good = pathlib.Path(sys.argv[1]), sys.argv[2:]
for place in good:  # what reading imports, and the library's own formulas, which are read when they are needed
    thalweg.load(place), card(place)
for kind in (catalog.rules, catalog.losses, catalog.penalties, catalog.activations, catalog.schedules):
    [each.fingerprint for each in kind().values()]
for name in ("MT19937", "PCG64", "Philox"):
    __import__("numpy").random.SeedSequence(1), getattr(__import__("numpy").random, name)(0)
for place in folder.iterdir():
    break
try: thalweg.load(place)
except ThalwegError: pass
seen, inside = set(), False
sys.addaudithook(lambda event, arguments: seen.add(event) if inside else None)
opened = 0
for place in sorted(folder.iterdir()):
    for read in (thalweg.load, card):
        inside = True
        try: read(place)
        except ThalwegError: pass
        else: opened += 1
        finally: inside = False
print(opened, sorted(seen))
"""


def test_a_thousand_hostile_files_run_nothing(tmp_path):
    """M1: no event of unpickling, compiling, importing or starting a program; files are opened, and no more."""
    folder, place = tmp_path / "files", tmp_path / "place"
    folder.mkdir()
    place.mkdir()
    for k, (name, content) in enumerate(hostile(tmp_path, 1000)):
        endings = (".thalweg", ".pkl", ".safetensors", ".npz", ".onnx", "")
        (folder / f"{name}{endings[k % len(endings)]}").write_bytes(content)
    assert len(list(folder.iterdir())) == 1000
    command = [sys.executable, "-c", SCRIPT, str(folder), *map(str, GOOD)]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    opened, _, events = done.stdout.partition(" ")
    told = set(json.loads(events.replace("'", '"')))
    assert told <= {"open", "builtins.id", "object.__getattr__", "object.__setattr__", "sys._getframe"}, told
    assert int(opened) <= 20  # cards of descriptions that only a load looks into
    assert list(place.iterdir()) == []


# Half a million


ODD: list[Any] = [
    None, True, -1, 0, 1, 3, 1 << 70, 0.5, -0.0, 1e308, "", "a", "adam", "\ud800", [], [[]], {}, [None] * 3,
    {"tensor": "state_"}, {"tensor": "weights.0"}, {"float": "nan"}, {"tuple": [1]}, {"dict": [[1, 2]]},
    {"array": "<i8", "shape": [2], "values": [1, 2]}, {"dtype": "<f8"},
]  # fmt: skip


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in plain data, the inner ones too."""
    if path:
        yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from leaves(value[key], (*path, key))


def changed(description: dict[str, Any], places: list[tuple[Any, ...]], draw: np.random.Generator) -> dict[str, Any]:
    """The description with one to three places replaced by something odd, or taken away."""
    made = copy.deepcopy(description)
    for _ in range(draw.integers(1, 4)):
        *way, last = places[draw.integers(len(places))]
        inner: Any = made
        try:
            for key in way:
                inner = inner[key]
            if isinstance(inner, dict) != isinstance(last, str):
                continue
            if draw.random() < 0.2:
                del inner[last]
            else:
                inner[last] = copy.deepcopy(ODD[draw.integers(len(ODD))])
        except (KeyError, IndexError, TypeError):
            continue  # a change before took the place away
    return made


@pytest.mark.parametrize("count", [2_000, pytest.param(500_000, marks=pytest.mark.deep)])
def test_nothing_brings_the_reader_down(tmp_path, monkeypatch, count):
    """M2: bytes that were cut, spliced and flipped, and descriptions of anything under a checksum that fits."""
    draw, contents = np.random.default_rng(1), [place.read_bytes() for place in GOOD]
    parts = [tensors.read(place) for place in GOOD]
    places = [list(leaves(description)) for description, _ in parts]
    given: list[bytes] = []
    monkeypatch.setattr(tensors, "_bytes", lambda path, name: given[0])
    opened = 0
    for k in range(count):
        which = int(draw.integers(len(GOOD)))
        if k % 2:
            text = tensors._canonical({"description": (d := changed(parts[which][0], places[which], draw)),
                                       "sha256": tensors._digest(d, parts[which][1])})  # fmt: skip
            given[:] = [packed(text, parts[which][1])]
        else:
            content = bytearray(contents[which])
            for _ in range(draw.integers(1, 5)):
                start, stop = sorted(draw.integers(len(content) + 1, size=2).tolist())
                match draw.integers(4):
                    case 0:
                        del content[start : min(stop, start + 9)]
                    case 1:
                        content[start:start] = content[start : min(stop, start + 40)]
                    case 2:
                        content[start : start + 1] = bytes([draw.integers(256)])
                    case _:
                        content[:8] = int(draw.integers(1 << 20)).to_bytes(8, "little")
            given[:] = [bytes(content)]
        try:
            made = tw.load("file")
        except (ModelFileError, LimitError):
            continue
        opened += 1
        if hasattr(made, "theta_"):
            assert made.theta_.size == made._model.size
            assert made.state_.shape[1:] == made.theta_.shape
    assert opened >= count // 100  # a change that is no damage: another name, another number


def packed(text: str, arrays: dict[str, np.ndarray]) -> bytes:
    """A file with this text in its header."""
    header: dict[str, Any] = {"__metadata__": {"thalweg": text}}
    data = b""
    for name, array in arrays.items():
        kind = {"float64": "F64", "float32": "F32"}[str(array.dtype)]
        span = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": span}
        data += array.tobytes()
    return raw(header, data)


@pytest.mark.parametrize("count", [600, pytest.param(50_000, marks=pytest.mark.deep)])
def test_any_card_that_is_told_can_be_shown(monkeypatch, capsys, count):
    """The card looks into descriptions that no load accepts; what it tells, the command line can print."""
    from thalweg.cli import main

    draw, parts = np.random.default_rng(2), [tensors.read(place) for place in GOOD]
    places = [list(leaves(description)) for description, _ in parts]
    given: list[bytes] = []
    monkeypatch.setattr(tensors, "_bytes", lambda path, name: given[0])
    left: dict[Any, int] = {}
    for k in range(count):
        which = int(draw.integers(len(GOOD)))
        made = changed(parts[which][0], places[which], draw)
        text = tensors._canonical({"description": made, "sha256": tensors._digest(made, parts[which][1])})
        given[:] = [packed(text, parts[which][1])]
        with pytest.raises(SystemExit) as ended:
            main(["inspect", str(GOOD[which]), *(["--format", "json"] if k % 3 == 0 else [])])
        said = capsys.readouterr()
        assert ended.value.code in {0, 7}, f"{said.err}\n{made}"
        left[ended.value.code] = left.get(ended.value.code, 0) + 1
    assert left[0] > count // 10
    assert left[7] > count // 10
