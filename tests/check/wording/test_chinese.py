"""Chinese is complete: every entry, every sentence of the examination, and nothing left in English."""
# ruff: noqa: RUF001 - Chinese has signs of its own

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.check.planted import PLANTS, Plant, built

import thalweg.check
from thalweg import check_gradient, diagnose
from thalweg.check.catalogue.entries import entries
from thalweg.check.wording import gradients_spoken, spoken
from thalweg.check.wording.chinese_causes import OF_CAUSES, OF_GRADIENTS
from thalweg.check.wording.chinese_sentences import OF_FILES, OF_RULES
from thalweg.check.wording.gradient_lines import evidence as gradient_evidence
from thalweg.check.wording.gradient_lines import headline as gradient_headline
from thalweg.check.wording.ledger import ledger_spoken
from thalweg.check.wording.sentences import Sentences
from thalweg.check.wording.telling import evidence, headline
from thalweg.formulas import catalog, ledger_text
from thalweg.formulas.widths import cells, wrapped

ROOT = Path(thalweg.check.__file__).parent
CHINESE = spoken("zh")
GRADIENTS = gradients_spoken("zh")
BOOK = Sentences({**OF_CAUSES, **OF_GRADIENTS, **OF_FILES, **OF_RULES})


def left_in_english(text: str) -> list[str]:
    """Return what reads as English: three words in a row that are no names, code or numbers."""
    return re.findall(r"(?<![\w.'-])[a-z]{2,}(?: (?:[a-z]{2,}|a)){2,}(?![\w(=.-])", text)


def test_left_in_english_sees_a_sentence_and_lets_code_be() -> None:
    assert left_in_english("错误：the sign is turned round。") == ["the sign is turned round"]
    assert left_in_english("Optax: optax.adam(0.01, b1=0.9) sqrt(v + epsilon) adam + epsilon-twice") == []


# ---- the catalogue ---------------------------------------------------------------------------------------------------


def test_every_entry_has_a_title_and_an_explanation() -> None:
    assert set(CHINESE.titles) == set(entries()) == set(CHINESE.explanations)
    assert len(set(CHINESE.titles.values())) == len(CHINESE.titles)


@pytest.mark.parametrize("code", sorted(entries()))
def test_entry_is_chinese_and_has_the_code_of_the_english_one(code: str) -> None:
    title, text = CHINESE.titles[code], CHINESE.explanations[code]
    assert re.search(r"[\u4e00-\u9fff]", title)
    assert left_in_english(title + text) == []
    assert text.endswith("。")
    numbers = {n for n in re.findall(r"\d+(?:\.\d+)?(?:e-\d+)?", entries()[code].explanation) if float(n) != 1}
    assert numbers - {"2", "8"} <= set(re.findall(r"\d+(?:\.\d+)?(?:e-\d+)?", text)) | {"2"}


# ---- the sentences of the examination --------------------------------------------------------------------------------

# Where sentences are made: what is called with them, and the names they are given before.
MAKERS = {"Cause", "Mistake", "CannotRun", "NotCodeError", "UnboundError", "NotThisWayError"}
NAMES = {"title", "mend", "evidence", "note", "what"}
ERRORS = {"search.py"}  # what is called ``what`` there is told to programmers
ELSEWHERE = {"catalogue", "wording", "quiz"}
# Sentences that reach nobody through the doctor's answers, and fragments that are joined to others.
NOT_SAID = {"rules.py", "losses.py", "tape.py", "trajectory.py", "mapping.py", "properties.py"}


def sentences_of(path: Path) -> list[tuple[int, str]]:
    """Return the texts of a module that are told to a reader, with ``7`` in their gaps."""
    found: dict[tuple[int, str], None] = {}
    names = NAMES - ({"what"} if path.name in ERRORS else set())

    def take(node: ast.expr | None) -> None:
        for each in ast.walk(node) if node is not None else ():
            if isinstance(each, ast.JoinedStr):
                text = "".join(str(v.value) if isinstance(v, ast.Constant) else "7" for v in each.values)
                found[each.lineno, text] = None
        inner = {id(v) for j in ast.walk(node) if isinstance(j, ast.JoinedStr) for v in ast.walk(j)} if node else set()
        for each in ast.walk(node) if node is not None else ():
            if isinstance(each, ast.Constant) and isinstance(each.value, str) and id(each) not in inner:
                found[each.lineno, each.value] = None

    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            appends = isinstance(node.func, ast.Attribute) and node.func.attr == "append"
            if appends and "notes" in ast.unparse(node.func):
                take(node.args[0])
            for argument in node.args if name in MAKERS else ():
                take(argument)
            for keyword in node.keywords:
                if keyword.arg == "note":
                    take(keyword.value)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in names:
            take(node.value)
    return list(found)


def is_sentence(text: str) -> bool:
    return len(re.findall(r"[A-Za-z']{2,}", text)) >= 3 and " " in text.strip()


MODULES = [p for p in sorted(ROOT.rglob("*.py")) if p.relative_to(ROOT).parts[0] not in ELSEWHERE | NOT_SAID]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_sentence_of_a_module_is_in_the_book(path: Path) -> None:
    told = [(line, text) for line, text in sentences_of(path) if is_sentence(text)]
    assert [each for each in told if not (BOOK.knows(each[1]) or BOOK.knows(each[1].strip()))] == []


CODED = re.compile(r'(?:Cause|Mistake|append\()\(\s*"(\w+)"|(?:return\s*\(?|code, title =|^)\s*"(\w+)",', re.MULTILINE)


def test_every_code_of_a_cause_has_a_name_in_both_languages() -> None:
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in ("causes.py", "factors.py", "backward.py"))
    codes = {a or b for a, b in CODED.findall(text)} | set(re.findall(r'code = "(\w+)"', text))
    codes |= set(re.findall(r'"(half_precision|float32|previous_is_\w+|bias_axis|bias_size|bias_one_row)"', text))
    english = gradients_spoken("en").causes
    assert codes ^ english.keys() == set()
    assert english.keys() == GRADIENTS.causes.keys()
    assert [name for name in GRADIENTS.causes.values() if left_in_english(name)] == []
    assert {plant.code for plant in PLANTS} <= english.keys()


def test_book_has_the_gaps_of_its_templates() -> None:
    for english, said in BOOK.templates.items():
        gaps = set(re.findall(r"\{(\w+)\}", english))
        assert set(re.findall(r"\{(\w+)\}", said)) <= gaps, english
        assert left_in_english(re.sub(r"\{\w+\}", "7", said)) == [], said


def test_sentences_stand_in_sentences() -> None:
    said = BOOK.said("cell 3 is left out: it is not Python: bad syntax")
    assert said == "第 3 个单元没有运行：它不是 Python：bad syntax"
    assert BOOK.said("theta never moves; its counter is given 0 at the first step").startswith("theta 从不移动；")
    assert BOOK.said("ZeroDivisionError: division by zero") == "ZeroDivisionError: division by zero"


# ---- whole verdicts --------------------------------------------------------------------------------------------------


def adam(w: Any, g: Any, m: Any, v: Any, t: Any, lr: float = 0.01) -> Any:
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * g**2
    return w - lr * (m / (1 - 0.9**t)) / np.sqrt(v / (1 - 0.9**t) + 1e-8), m, v


def odd(w: Any, g: Any, lr: float = 0.1) -> Any:
    return w - lr * g**3


def failing(w: Any, g: Any, lr: float = 0.1) -> Any:
    return w - lr * g / 0


@pytest.mark.parametrize("update", [adam, odd, failing])
def test_verdict_on_a_rule_is_chinese_throughout(update: Any) -> None:
    told = diagnose(update)
    rows = evidence(CHINESE, told.verdict, 24)
    text = "\n".join([headline(CHINESE, told.name, "x.py", told.verdict), *(f"{a} {b}" for a, b in rows)])
    assert left_in_english(text.replace("division by zero", "")) == []


def in_chinese(plant: Plant) -> None:
    np.random.seed(0)  # noqa: NPY002 - what the networks draw their masks from
    scope = built(plant.network, plant)
    told = check_gradient(scope["loss"], scope["gradient"], scope["params"])
    lines = [gradient_headline(told, GRADIENTS), *gradient_evidence(told, GRADIENTS)]
    assert left_in_english(" ".join(lines)) == [], lines
    assert max(cells(line) for line in lines) <= 80


@pytest.mark.parametrize("plant", PLANTS[::9], ids=str)
def test_verdict_on_a_gradient_is_chinese_throughout(plant: Plant) -> None:
    in_chinese(plant)


@pytest.mark.deep
@pytest.mark.parametrize("plant", PLANTS, ids=str)
def test_every_planted_cause_is_told_in_chinese(plant: Plant) -> None:
    in_chinese(plant)


# ---- the ledger ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(catalog.rules()))
def test_ledger_of_every_rule_is_chinese_throughout(name: str) -> None:
    words = ledger_spoken("zh")
    ledger = catalog.rules()[name].explain([[0.1, 0.2], [-0.3, 0.0]])
    lines = [*ledger_text.text(ledger, words=words).splitlines(), *ledger_text.notes(ledger, words)]
    assert left_in_english(re.sub(r"\bif\s+\w+\s+else\b", "", " ".join(lines))) == []
    meanings = {row.meaning for row in ledger.rows if row.meaning}
    assert [told for told in meanings if words.sentence(told) == told] == []
    table = ledger_text.text(ledger, words=words).splitlines()
    english = ledger_text.text(ledger).splitlines()
    assert len(table) == len(english)
    assert max(cells(line) for line in table) <= 80


# ---- lines -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [20, 41, 80])
def test_lines_fit_in_cells_and_lose_nothing(width: int) -> None:
    for text in CHINESE.explanations.values():
        lines = wrapped(text, width)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        longest = max(cells(word) for word in [*re.findall(r"[!-~]+", text), "字"])
        assert max(cells(line) for line in lines) <= max(width, longest + 4)
        assert not any(line.startswith(tuple("，。；：）")) for line in lines)
