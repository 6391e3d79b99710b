"""Gradients, in Chinese."""
# ruff: noqa: RUF001 - a sentence is one line; Chinese has signs of its own

from __future__ import annotations

from thalweg.check.wording.chinese_causes import OF_CAUSES, OF_GRADIENTS
from thalweg.check.wording.chinese_sentences import OF_FILES
from thalweg.check.wording.gradient_phrases import GradientPhrases
from thalweg.check.wording.sentences import Sentences

GRADIENTS_IN_CHINESE = GradientPhrases(
    right="正确：梯度就是函数的斜率。",
    right_but_kinks="正确：在有导数的地方，梯度就是函数的斜率。",
    random="无法判断：在同一点，函数每次给出不同的值。",
    unknown="无法判断：这里能测量的太少。",
    wrong="错误：在 {names} 中，梯度不是函数的斜率。",
    wrong_everywhere="错误：在所有参数块中，梯度都不是函数的斜率。",
    is_right="正确：{file} 中的 {name} 是 {of} 的梯度",
    is_wrong="错误：{file} 中的 {name} 在 {blocks} 中不是 {of} 的梯度",
    alone_right="正确：{file} 中的 {name} 给出的梯度与它自己的值相符",
    alone_wrong="错误：{file} 中的 {name} 在 {blocks} 中给出的梯度与它自己的值不符",
    asks_cost="不明确：{file} 中没有给出 {name} 所对应代价的函数；请用 --function 指明",
    asks_which="不明确：{file} 中的 {name} 是下列哪个函数的梯度：{choices}？请用 --function 指明",
    asks_argument="不明确：看不出 {file} 中 {argument} 需要什么；请用 --at 指明一个点",
    cannot_run="无法运行：{file} 中的 {name}：{reason}",
    cannot_examine="无法运行：{where}：{reason}",
    differ="{name}（{shape}）：{tested} 个坐标中有 {differing} 个不同",
    remainder="；余项按 h^{order:.2f} 而不是 h^2 下降",
    a_number="一个数",
    other_shape="返回的形状是 {came}，参数的形状是 {shape}",
    worst="{where}：梯度 {given:.9g}，斜率 {measured:.9g} +- {bound:.1g}",
    more_blocks="还有 {count} 个参数块",
    cause="原因：{title}（{blocks}）。",
    mend="改法：{mend}",
    no_cause="原因：已知的错误都不会得到这些数。",
    right_blocks="正确的有：{blocks}。",
    within_one="{name}：1 个坐标在误差界内（至多 {bound:.1g}）；{order}",
    within="{name}：{tested} 个坐标在误差界内（至多 {bound:.1g}）；{order}",
    straight="直线",
    falls="余项按 h^{order:.2f} 下降",
    not_measured="{name}：没有测量",
    kink="{where} 处有折点：一侧斜率 {left:.6g}，另一侧 {right:.6g}，你的梯度 {given:.6g}。不算错误。",
    more_kinks="还有 {count} 个折点",
    note="说明：{note}",
    look="请看 {where}",
    at="检查位置：{given}。",
    of_file="{names} 取自文件",
    made="{names} 按形状生成",
    asked="{names} 按指定",
    forms={
        "of_activation": "这个导数是用激活值写的：应当传入激活值，而不是 z。",
        "of_scores": "这是对激活前的值（z）求的导数：激活函数的导数已经包含在内。",
        "averaged": "参数的梯度对样本取了平均；往回传的误差没有取平均。",
        "moved": "梯度是从更新前后参数的变化读出来的。",
        "known_loss": "文件没有给出代价；最相符的是{told}。",
    },
    kinds={"right": "正确", "wrong": "错误", "unclear": "不明确", "cannot_run": "无法运行"},
    table_head=("文件", "梯度", "结论", "发现"),
    histogram="{files} 个文件中的原因",
    counted="{files} 个文件：正确 {right}，错误 {wrong}，不明确或无法运行 {stopped}",
    nothing_wrong="没有发现错误的梯度。",
    between="、",
    labelled="{label}：{text}",
    sentences=Sentences({**OF_CAUSES, **OF_GRADIENTS, **OF_FILES}),
)
