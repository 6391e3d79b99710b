"""What every page of examined files says, whether they hold update rules or gradients."""
# ruff: noqa: RUF001 - Chinese has signs of its own

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, kw_only=True)
class SharedWords:
    """Headings and stamps.

    Attributes
    ----------
    language : str
        Its code, for the page itself.
    title, class_title : str
        Of ``file``, and of ``files`` many.
    stamps : mapping of str
        The verdicts as they are stamped.
    code, numbers_of, evidence, notes, overview, again : str
        Headings.
    made : str
        The last line, of ``version``.
    """

    language: str
    title: str
    class_title: str
    stamps: Mapping[str, str]
    code: str
    numbers_of: str
    evidence: str
    notes: str
    overview: str
    again: str
    made: str


SHARED_IN_ENGLISH = SharedWords(
    language="en",
    title="Diagnosis of {file}",
    class_title="Diagnoses of {files} files",
    stamps={
        "right": "Right",
        "same": "Right, in another form",
        "wrong": "Wrong",
        "unknown": "Unknown rule",
        "unclear": "Unclear",
        "cannot_run": "Cannot run",
    },
    code="The code",
    numbers_of="The numbers",
    evidence="What it rests on",
    notes="Notes",
    overview="Overview",
    again="The same again",
    made="Made by thalweg {version}. All that is shown stands in this file; nothing is loaded from elsewhere.",
)
SHARED_IN_CHINESE = SharedWords(
    language="zh-Hans",
    title="{file} 的诊断",
    class_title="{files} 个文件的诊断",
    stamps={
        "right": "正确",
        "same": "正确，写法不同",
        "wrong": "错误",
        "unknown": "未知的方法",
        "unclear": "不明确",
        "cannot_run": "无法运行",
    },
    code="代码",
    numbers_of="数值",
    evidence="依据",
    notes="说明",
    overview="概览",
    again="重新运行",
    made="由 thalweg {version} 生成。所有内容都在这个文件里，不会从别处加载任何东西。",
)
