"""The house itself: what is in it, what it imports, and that its papers agree with each other."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import grimp
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import thalweg

ROOT = Path(__file__).parents[1]
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS: dict[str, list[str]] = PYPROJECT["project"]["optional-dependencies"]
MODULES = ["thalweg", *sorted(m.name for m in pkgutil.walk_packages(thalweg.__path__, "thalweg."))]
# What only a run, a table or a picture needs.
HEAVY = {"bokeh", "jinja2", "matplotlib", "mlflow", "numba", "pandas", "pyarrow", "scipy", "sklearn", "tensorboard"}


def python(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a fresh interpreter and return what it said; a failure is a failure of the test."""
    done = subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


# What is in the files


def test_no_file_names_a_registry_or_a_path_of_one_machine():
    # In pieces, so that this file does not hold what it looks for.
    options = "|".join(["index" + "-url", "extra" + "-index", "find" + "-links"])
    registry = r"https?://[^\s\"'<>]*(?:pypi\.|pythonhosted|/simple\b|/packages/)"
    machine = r"(?<![\w./~$}>-])/(?:" + "work|root|opt|tmp|home|Users|mnt" + r")/\w"
    wanted = re.compile(f"{options}|{registry}|{machine}".encode())
    found = {str(f.relative_to(ROOT)): wanted.search(f.read_bytes()) for f in tracked()}
    assert {name: match.group() for name, match in found.items() if match} == {}


def test_the_wheel_holds_the_package_and_nothing_else(tmp_path):
    python("-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path))
    (wheel,) = tmp_path.glob("*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    source = ROOT / "src"
    kinds = {".py", ".typed", ".js", ".css", ".j2"}
    ours = {str(f.relative_to(source)) for f in (source / "thalweg").rglob("*") if f.suffix in kinds}
    assert held == ours
    assert {"thalweg/py.typed", "thalweg/report/page.html.j2", "thalweg/report/charts.js"} <= held


def test_the_changelog_has_the_version():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(thalweg.__version__)}\b", changelog, flags=re.MULTILINE)


@pytest.mark.parametrize("paper", sorted(p.name for p in ROOT.glob("*.md")))
def test_every_make_command_in_the_papers_exists(paper):
    named = set(re.findall(r"\bmake (?:[A-Z]+=\S+ )*([a-z][a-z-]*)", _code((ROOT / paper).read_text(encoding="utf-8"))))
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert named - targets == set()


def test_the_readme_begins_with_the_two_commands():
    named = re.findall(r"\bmake ([a-z-]+)", _code((ROOT / "README.md").read_text(encoding="utf-8")))
    assert named[:2] == ["demo", "test"]


def _code(markdown: str) -> str:
    """Only what stands in code: fences and backticks."""
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", markdown, flags=re.DOTALL))


def test_the_integration_run_is_the_two_suites():
    commands = [line for line in (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines() if line.startswith("make")]
    assert commands == ["make test", "make test-peers"]


# What is imported


@pytest.mark.parametrize(
    "start",
    [
        pytest.param("import thalweg", id="import"),
        pytest.param(
            "import contextlib, thalweg.cli\nsys.argv = ['thalweg', '--help']\n"
            "with contextlib.suppress(SystemExit): thalweg.cli.main()",
            id="help",
        ),
    ],
)
def test_starting_imports_nothing_heavy(start):
    said = python("-c", f"import sys\n{start}\nprint('modules:', *sys.modules)").stdout
    modules = set(said.rpartition("modules:")[2].split())
    assert "thalweg" in modules
    assert modules & HEAVY == set()


def test_every_module_imports_without_the_extras():
    owners = importlib.metadata.packages_distributions()
    optional = {Requirement(r).name for packages in EXTRAS.values() for r in packages} | {
        "jax",
        "keras",
        "optax",
        "torch",
    }
    blocked = sorted(name for name, distributions in owners.items() if optional & set(distributions))
    assert {"matplotlib", "pyarrow"} <= set(blocked)
    script = f"""
import importlib, sys

class Missing:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in {blocked}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing)
for name in {MODULES}:
    importlib.import_module(name)
"""
    python("-c", script)


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """For each module, the root names of the foreign packages that it imports, at its top or inside."""
    graph = grimp.build_graph("thalweg", include_external_packages=True, cache_dir=None)
    known = {"thalweg", *sys.stdlib_module_names}
    ours = [module for module in graph.modules if module.split(".")[0] == "thalweg"]
    return {m: {f.split(".")[0] for f in graph.find_modules_directly_imported_by(m)} - known for m in ours}


def test_formulas_need_only_numpy(imports):
    of_formulas = {module: foreign for module, foreign in imports.items() if module.startswith("thalweg.formulas")}
    assert {module: foreign - {"numpy"} for module, foreign in of_formulas.items() if foreign - {"numpy"}} == {}


def test_what_is_imported_is_what_is_declared(imports):
    # These come with the peers only, and one of them by another name than it is imported by.
    of_peers = {"mlflow": ["mlflow-skinny"], "tensorboard": ["tensorboard"], "torch": ["torch"]}
    owners = of_peers | importlib.metadata.packages_distributions()
    used = {canonicalize_name(owners[name][0]) for foreign in imports.values() for name in foreign}
    used.add("bokeh")  # whose scripts are read, and nothing imported
    declared = [*PYPROJECT["project"]["dependencies"], *(r for packages in EXTRAS.values() for r in packages)]
    assert used == {canonicalize_name(Requirement(r).name) for r in declared}


def test_the_extras_that_messages_name_are_the_extras_there_are():
    sources = "\n".join(f.read_text(encoding="utf-8") for f in (ROOT / "src").rglob("*.py"))
    assert set(re.findall(r"thalweg\[(\w+)\]", sources)) == set(EXTRAS)


# Layers: kept here, and broken by what they forbid


def contracts(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"]
    # Neither colour nor folding: the answer is searched for whole lines.
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_layers_are_kept():
    done = contracts(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.fixture
def house(tmp_path) -> Path:
    """Every room of the plan, empty, under the contracts of this project."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    rooms = "formulas engine descent estimators comparison check exchange report studies lab".split()
    for folder in ["thalweg", *(f"thalweg/{room}" for room in rooms)]:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
    for module in ["errors", "cli", "exchange/tables", "exchange/files"]:
        (tmp_path / "thalweg" / f"{module}.py").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("formulas", "import thalweg.errors"),
        ("engine", "import numba"),
        ("comparison", "import thalweg.exchange.tables"),
        ("check", "import thalweg.exchange.tables"),
        ("estimators", "import thalweg.exchange.files"),
        ("comparison", "import sklearn"),
        ("lab", "import thalweg.comparison"),
    ],
)
def test_the_contracts_allow(house, room, line):
    (house / "thalweg" / room / "door.py").write_text(f"{line}\n")
    done = contracts(house)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("room", "line", "contract"),
    [
        ("formulas", "import thalweg.engine", "Imports point downwards"),
        ("engine", "def late():\n    import thalweg.descent", "Imports point downwards"),
        ("descent", "import thalweg.estimators", "Imports point downwards"),
        ("exchange", "import thalweg.estimators", "Imports point downwards"),
        ("estimators", "import thalweg.studies", "Imports point downwards"),
        ("comparison", "import thalweg.estimators", "Imports point downwards"),
        ("comparison", "import thalweg.exchange.files", "Imports point downwards"),
        ("exchange", "import thalweg.check", "Imports point downwards"),
        ("report", "import thalweg.studies", "Imports point downwards"),
        ("studies", "import thalweg.lab", "Imports point downwards"),
        ("lab", "import thalweg.cli", "Imports point downwards"),
        ("descent", "import numba", "Only the engine knows Numba"),
        ("formulas", "def late():\n    from numba import njit", "Only the engine knows Numba"),
        ("descent", "from sklearn.utils import check_array", "scikit-learn stays at the border"),
    ],
)
def test_the_contracts_forbid(house, room, line, contract):
    (house / "thalweg" / room / "door.py").write_text(f"{line}\n")
    done = contracts(house)
    assert done.returncode == 1
    assert f"{contract} BROKEN" in done.stdout


# What is pinned


def pins(name: str) -> dict[str, set[str]]:
    """Versions by package; fails where a pin has no hash."""
    text = (ROOT / "constraints" / f"{name}.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    entries = [line.split() for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert [entry[0] for entry in entries if not entry[-1].startswith("--hash=sha256:")] == []
    found: dict[str, set[str]] = {}
    for entry in entries:
        package, version = entry[0].split("==")
        found.setdefault(canonicalize_name(package), set()).add(version)
    return found


def wanted(extras: set[str], groups: list[str]) -> list[Requirement]:
    """What pyproject asks for: the package, these extras, and these groups of dependencies."""
    asked = [*PYPROJECT["project"]["dependencies"], *(r for extra in sorted(extras) for r in EXTRAS[extra])]
    asked += [entry for group in groups for entry in PYPROJECT["dependency-groups"][group] if isinstance(entry, str)]
    return [Requirement(entry) for entry in asked]


@pytest.mark.parametrize(
    ("name", "extras", "groups"),
    [
        # PyTorch has no hash: the Makefile asks for it.
        ("run", set(EXTRAS) - {"torch", "track"}, ["build"]),
        ("test", set(EXTRAS) - {"torch", "track"}, ["test"]),
        ("peers", set(EXTRAS) - {"torch"}, ["test", "peers"]),
        ("bench", set(EXTRAS) - {"torch"}, ["peers", "bench"]),
    ],
    ids=["run", "test", "peers", "bench"],
)
def test_what_is_asked_for_is_pinned(name, extras, groups):
    pinned = pins(name)
    for requirement in wanted(extras, groups):
        versions = pinned[canonicalize_name(requirement.name)]
        assert all(version in requirement.specifier for version in versions), requirement


@pytest.mark.parametrize(("fewer", "more"), [("run", "test"), ("test", "peers"), ("peers", "bench")])
def test_a_larger_environment_only_adds(fewer, more):
    below, above = pins(fewer), pins(more)
    assert {package: above.get(package) for package in below} == below


# What is public


@pytest.mark.parametrize("name", MODULES)
def test_public_names_exist_and_are_documented(name):
    module = importlib.import_module(name)
    public = getattr(module, "__all__", [])
    assert len(public) == len(set(public))
    values = {each: getattr(module, each) for each in public}
    bare = [each for each, value in values.items() if callable(value) and not inspect.getdoc(value)]
    assert bare == []
