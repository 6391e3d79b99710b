"""The step ledger in the languages: in the terminal, and on its page."""
# ruff: noqa: RUF001 - Chinese has signs of its own

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from thalweg.check.wording.sentences import Sentences
from thalweg.check.wording.shared import SHARED_IN_CHINESE, SHARED_IN_ENGLISH, SharedWords
from thalweg.formulas.ledger_words import ENGLISH, LedgerWords

OF_LEDGERS: dict[str, str] = {
    "theta moved by": "theta 移动了",
    "theta after minus theta before": "更新后的 theta 减去更新前的 theta",
    "{name}'s share": "{name} 所占份额",
    "{name}'s share of the root": "{name} 在根号下所占份额",
    "how much of {text} it makes up": "它在 {text} 中占多少",
    "the weight that an average with {kept} has gathered since it started at zero; it nears 1": (
        "以 {kept} 遗忘的平均值从零开始以来积累的权重；它趋近于 1"
    ),
    "what is left of {old}": "{old} 留下的部分",
    "decay: theta shrinks by this much, whatever the gradient": "衰减：无论梯度如何，theta 都缩小这么多",
    "what this update adds": "这次更新加进来的部分",
    "the direction alone, not the size": "只取方向，不取大小",
    "average of {text} that forgets with {kept}": "{text} 的平均值，以 {kept} 遗忘",
    "sum of {text} in which the past fades by {kept}": "{text} 的累加，过去的部分按 {kept} 衰减",
    "sum of {text} over all updates": "{text} 在所有更新中的累加",
    "the learning rate, made larger while the average that it multiplies is young": (
        "学习率；它所乘的平均值还年轻时，学习率被放大"
    ),
    "brings the root of an average that started at zero to its size": "把从零开始的平均值的平方根放大到应有的大小",
    "brings an average that started at zero to its size": "把从零开始的平均值放大到应有的大小",
}

CHINESE = LedgerWords(
    coordinate="坐标 {number}",
    inside="{name} 中：",
    yes="是",
    no="否",
    noted="{name}：{meaning}",
    here="；这里是 {low}",
    here_between="；这里是 {low} 到 {high}",
    idle="：小得没有影响",
    decides="：步长由它决定",
    update="第 {first} 次更新",
    updates="第 {first} 到 {last} 次更新",
    one_coordinate="第 {first} 个坐标",
    coordinates="第 {first} 到 {last} 个坐标",
    left_updates="显示了{told}，共 {count} 次。其余：--step {further}，或 --steps 1-5。",
    left_coordinates="显示了{told}，共 {count} 个。其余：--coordinates {further}。",
    example="示例：--gradients {gradients}",
    sentence=Sentences(OF_LEDGERS).said,
)


@final
@dataclass(frozen=True, kw_only=True)
class LedgerPageWords:
    """What the ledger's page says.

    Attributes
    ----------
    shared : SharedWords
    words : LedgerWords
        As in the terminal.
    title : str
        Of ``rule``.
    updates, coordinates : tuple of str
        One, and ``count`` of them.
    lead, lead_with : str
        Of ``updates``, ``coordinates`` and ``numbers``.
    the_update, back, on, coordinate, noscript : str
        Of the controls.
    head : tuple of str
        Formula, number, over all updates.
    before, inside : str
        What stands before the formula's lines; before a line of a formula that is called, of ``name``.
    """

    shared: SharedWords
    words: LedgerWords
    title: str
    updates: tuple[str, str]
    coordinates: tuple[str, str]
    lead: str
    lead_with: str
    the_update: str
    back: str
    on: str
    coordinate: str
    noscript: str
    head: tuple[str, str, str]
    before: str
    inside: str

    def about(self, updates: int, coordinates: int, numbers: str) -> str:
        """Return how much is told, and of a rule with which numbers."""
        said = {
            "updates": self.updates[updates > 1].format(count=updates),
            "coordinates": self.coordinates[coordinates > 1].format(count=coordinates),
        }
        return (self.lead_with if numbers else self.lead).format(**said, numbers=numbers)


PAGE_IN_ENGLISH = LedgerPageWords(
    shared=SHARED_IN_ENGLISH,
    words=ENGLISH,
    title="{rule}, number by number",
    updates=("1 update", "{count} updates"),
    coordinates=("1 coordinate", "{count} coordinates"),
    lead="{updates} of {coordinates}",
    lead_with="{updates} of {coordinates} with {numbers}",
    the_update="The update",
    back="one update back",
    on="one update on",
    coordinate="coordinate",
    noscript="The slider needs scripts; this is the first update.",
    head=("formula", "number", "over all updates"),
    before="before the update",
    inside="in {name}",
)
PAGE_IN_CHINESE = LedgerPageWords(
    shared=SHARED_IN_CHINESE,
    words=CHINESE,
    title="{rule}：逐个数说明",
    updates=("1 次更新", "{count} 次更新"),
    coordinates=("1 个坐标", "{count} 个坐标"),
    lead="{coordinates}的 {updates}",
    lead_with="{coordinates}的 {updates}，{numbers}",
    the_update="这次更新",
    back="上一次更新",
    on="下一次更新",
    coordinate="坐标",
    noscript="滑块需要脚本；这里是第一次更新。",
    head=("公式", "数值", "全部更新"),
    before="更新之前",
    inside="{name} 中",
)


def ledger_spoken(language: str) -> LedgerWords:
    """Return what the ledger says in a language.

    Examples
    --------
    >>> ledger_spoken("en").few("update", (1, 3))
    'updates 1 to 3'
    """
    return {"en": ENGLISH, "zh": CHINESE}[language]


def ledger_page_spoken(language: str) -> LedgerPageWords:
    """Return what the ledger's page says in a language.

    Examples
    --------
    >>> ledger_page_spoken("en").about(3, 1, "")
    '3 updates of 1 coordinate'
    """
    return {"en": PAGE_IN_ENGLISH, "zh": PAGE_IN_CHINESE}[language]
