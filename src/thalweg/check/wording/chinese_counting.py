"""The catalogue's mistakes of corrections in Chinese: title and explanation by code."""
# ruff: noqa: RUF001 - Chinese has signs of its own

from __future__ import annotations

COUNTING: dict[str, tuple[str, str]] = {
    "first-counted-behind": (
        "一阶矩的修正用的是上一步的系数",
        "t 在两个修正之间才增加。1 - beta1**0 等于零，所以第一步除以零。",
    ),
    "second-counted-behind": (
        "二阶矩的修正用的是上一步的系数",
        "t 在两个修正之间才增加。1 - beta2**0 等于零，所以第一步除以无穷大，完全不动；后面几步也偏短。",
    ),
    "first-counted-ahead": (
        "一阶矩的修正用的是下一步的系数",
        "两个修正之一在该用 t 的地方用了 t + 1。第一步短了一半，大约三十步后差别消失。",
    ),
    "second-counted-ahead": (
        "二阶矩的修正用的是下一步的系数",
        "两个修正之一在该用 t 的地方用了 t + 1。第一步长了 sqrt(2) 倍。",
    ),
    "counted-in-epochs": (
        "t 数的是轮次，而不是更新次数",
        "平均值每次更新都在增长，修正却每轮才变一次。整整一轮里它都和第一步一样强，整个训练中步长都不对。",
    ),
    "first-product-for-power": (
        "该用 beta1**t 的地方用了 beta1 * t",
        "乘积代替了乘方：从第二步起 1 - beta1 * t 为负，步子朝上坡走。",
    ),
    "second-product-for-power": (
        "该用 beta2**t 的地方用了 beta2 * t",
        "乘积代替了乘方：从第二步起 1 - beta2 * t 为负，根号没有实数值。",
    ),
    "first-power-of-two": (
        "该用 beta1**t 的地方用了 beta1**2",
        "修正永远是第二步的系数。后面的步子长了 1 / (1 - beta1**2) 倍。",
    ),
    "second-power-of-two": (
        "该用 beta2**t 的地方用了 beta2**2",
        "修正永远是第二步的系数。后面的步子只有应有的 sqrt(1 - beta2**2) 倍。",
    ),
    "power-of-two": (
        "两处该用 beta**t 的地方都用了 beta**2",
        "两个修正永远是第二步的系数。学习率最终停在另一个值，而不是设定的值。",
    ),
    "first-correction-brackets-missing": (
        "1 - beta1**t 缺少括号",
        "先算除法：m / 1 - beta1**t 就是 m 减去 beta1**t。开头不论梯度是多少，每步都朝同一个方向走。",
    ),
    "second-correction-brackets-missing": (
        "1 - beta2**t 缺少括号",
        "先算除法：v / 1 - beta2**t 就是 v 减去 beta2**t。梯度小时它为负，根号没有实数值。",
    ),
    "correction-brackets-missing": (
        "两个修正系数都缺少括号",
        "先算除法：m / 1 - beta1**t 就是 m 减去 beta1**t，v 也一样。修正变成了减法。",
    ),
    "first-correction-of-one-more": (
        "一阶矩的修正里 t + 1 缺少括号",
        "先算乘方：1 - beta1**t + 1 比应有的多 1，大约是 2。步子只有应有的一半，开头短得更多。",
    ),
    "second-correction-of-one-more": (
        "二阶矩的修正里 t + 1 缺少括号",
        "先算乘方：1 - beta2**t + 1 比应有的多 1。均方没有得到修正，开头几步长得多。",
    ),
    "corrections-of-one-more": (
        "两个修正里 t + 1 都缺少括号",
        "先算乘方：1 - beta**t + 1 比应有的多 1。两个平均值都没有得到修正。",
    ),
}
