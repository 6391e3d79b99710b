"""Every example of the README runs as it stands there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def commands() -> list[str]:
    lines = [line.split("#")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith("thalweg ")]


def run(arguments: list[str], folder: Path, status: int = 0) -> str:
    environment = {**os.environ, "COLUMNS": "80", "MPLBACKEND": "Agg"}
    done = subprocess.run(
        arguments, cwd=folder, input="q\n", capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == status, f"{shlex.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


ADAM = """import numpy as np

# Assignment 3: Adam


def initialize_adam(parameters):
    v, s = {}, {}
    for key, value in parameters.items():
        v["d" + key] = np.zeros(value.shape)
        s["d" + key] = np.zeros(value.shape)
    return v, s


def update_parameters_with_adam(parameters, grads, v, s, t, learning_rate=0.01,
                                beta1=0.9, beta2=0.999, epsilon=1e-8):
    v_corrected = {}
    s_corrected = {}
    for l in range(len(parameters) // 2):
        for p in ("W", "b"):
            k = "d" + p + str(l + 1)
            v[k] = beta1 * v[k] + (1 - beta1) * grads[k]
            v_corrected[k] = v[k] / (1 - np.power(beta1, t))
            s[k] = beta2 * s[k] + (1 - beta2) * np.power(grads[k], 2)


            # bias correction
            s_corrected[k] = s[k] / (1 - np.power(beta1, t))
            parameters[k[1:]] -= learning_rate * v_corrected[k] / (np.sqrt(s_corrected[k]) + epsilon)
    return parameters, v, s
"""
NETWORK = """import numpy as np


def cost(theta, X, y):
    return np.mean((X @ theta - y) ** 2) / 2


def gradient(theta, X, y):
    return X.T @ (X @ theta - y)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tables that the README speaks of."""
    made = tmp_path_factory.mktemp("readme")
    generator = np.random.default_rng(0)
    size, age = generator.uniform(40, 200, 120), generator.integers(0, 80, 120)
    town = generator.choice(["Bonn", "Köln", "Trier"], 120)
    price = 3 * size - age + 50 * (town == "Köln") + generator.normal(0, 10, 120)
    rows = [f"{a:.1f},{b},{c},{d:.1f}" for a, b, c, d in zip(size, age, town, price, strict=True)]
    (made / "sales.csv").write_text("\n".join(["size,age,town,price", *rows]), encoding="utf-8")
    unknown = [row.rsplit(",", 1)[0] for row in rows[:10]]
    (made / "adam.py").write_text(ADAM, encoding="utf-8")
    (made / "network.py").write_text(NETWORK, encoding="utf-8")
    (made / "new.csv").write_text("\n".join(["size,age,town", *unknown]), encoding="utf-8")
    return made


def test_the_python_examples_run(folder: Path) -> None:
    script = folder / "readme.py"
    script.write_text("\n".join(blocks("python")), encoding="utf-8")
    printed = run([sys.executable, "-W", "error::RuntimeWarning", str(script)], folder)
    assert "def heavy_ball_float64_" in printed
    found, predicted = re.findall(r"^\[([\d. ]+)\]$", printed, flags=re.MULTILINE)
    np.testing.assert_allclose([float(number) for number in found.split()], [1, 1], rtol=0.02)
    assert "\na ranking\n" in printed
    assert len(predicted.split()) == 3
    assert "{'optimizer__learning_rate': " in printed


def test_the_commands_run_in_the_order_in_which_they_stand(folder: Path) -> None:
    assert len(commands()) >= 5
    wrong = {"thalweg check adam.py", "thalweg check --gradient network.py"}
    assert wrong < set(commands())
    for command in commands():
        printed = run([sys.executable, "-m", *shlex.split(command)], folder, int(command in wrong))
        if command == "thalweg check adam.py":
            (shown,) = blocks("text")
            assert printed.startswith(shown)
    assert (folder / "price.thalweg").stat().st_size > 0
    assert (folder / "predictions.csv").read_text(encoding="utf-8").count("\n") == 11


def test_the_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", README, flags=re.MULTILINE))
    assert {"demo", "test"} <= named
    for target in named:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), f"make {target}"


def test_the_pictures_exist() -> None:
    for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / picture).stat().st_size > 0
