"""What the trainer says in Chinese."""
# ruff: noqa: RUF001 - Chinese has marks of its own

from __future__ import annotations

from collections.abc import Mapping

from thalweg.check.quiz.phrases import Phrases
from thalweg.check.quiz.question import Text

TEXTS: Mapping[str, Text] = {
    "mean-missing": Text(
        "误差没有除以样本数",
        "损失是平均值，所以它的斜率也带有 1/m。少了它，所有梯度都大了 m 倍，合适的学习率就会随批量大小而变。",
    ),
    "mean-missing-once": Text(
        "有一个梯度没有除以样本数",
        "损失是平均值，每个梯度都带有 1/m。这样一来，这一层的学习速度就是其他层的 m 倍。",
    ),
    "mean-twice": Text(
        "误差被除以样本数两次",
        "1/m 要么放在误差里，要么放在每个梯度里，不能两处都有。所有梯度都小了 m 倍，训练看起来就像停住了。",
    ),
    "sign-turned": Text(
        "误差的符号反了",
        "损失对得分的斜率是预测值减去目标值。符号反了，每一步都在往上坡走。",
    ),
    "factor-two": Text(
        "误差多了一个损失里没有的因子 2",
        "平方的一半，其斜率就是差本身。这个 2 已经和损失里的 1/2 约掉了。",
    ),
    "penalty-forgotten": Text(
        "有一层的梯度漏了惩罚项",
        "损失里两层都有 lam / 2 * W**2，所以两层的梯度都有 lam * W。这一层的权重从不会被拉向零，尽管损失是这样要求的。",
    ),
    "penalty-doubled": Text(
        "有一个梯度里惩罚项算了两次",
        "lam / 2 * W**2 的斜率是 lam * W：平方带来的 2 和 1/2 约掉了。这些权重被拉向零的力度是损失所要求的两倍。",
    ),
    "penalty-on-bias": Text(
        "偏置的梯度里有惩罚项",
        "损失只惩罚权重。偏置若被拉向零，就跟不上目标的平均值。",
    ),
    "bias-over-units": Text(
        "误差连同各个单元一起求和了",
        "每个单元有自己的偏置：只应对样本求和。所有单元共用一个数，所有偏置就会同样地移动。",
    ),
    "bias-one-example": Text(
        "偏置只用了一个样本的误差",
        "偏置的梯度是它在所有样本上误差的总和。只取最后一个样本，得到的只是其中带噪声的一小部分。",
    ),
    "transposed": Text(
        "有一个梯度被转置了",
        "W 的梯度与 W 的形状逐行相同。W 是方阵时，转置后形状也对得上，于是什么错误都不会报。",
    ),
    "slope-forgotten": Text(
        "反向传播时漏了激活函数的斜率",
        "链式法则要求在每一层把误差乘以激活函数的斜率。少了它，饱和或沉睡的单元就像线性单元一样学习。",
    ),
    "slope-of-scores": Text(
        "该用激活值的地方用得分计算了斜率",
        "1 - a**2 是 tanh 的斜率，其中 a 是激活值。换成得分 z，它甚至会变成负数。",
    ),
    "slope-at-activation": Text(
        "计算斜率时多套了一次激活函数",
        "A1 已经是 tanh(Z1)，所以斜率是 1 - A1**2。tanh 再取 tanh 太小，斜率就太大。",
    ),
    "slope-of-another": Text(
        "用了另一种激活函数的斜率",
        "每种激活函数有自己的斜率：tanh 是 1 - a**2，sigmoid 是 a * (1 - a)，ReLU 是 1 或 0。"
        "用错了，下面各层的误差都会走样。",
    ),
    "slope-left-out-of-weights": Text(
        "权重的梯度用了乘以激活斜率之前的误差",
        "权重对应的是 dZ，即 dA 乘以激活函数的斜率。下面的偏置是对的，旁边的权重却不对。",
    ),
    "output-slope-twice": Text(
        "输出的斜率已经约掉，却又乘了一次",
        "sigmoid 配交叉熵时，对得分的斜率是 a - y：a * (1 - a) 已经约掉了。再乘一次，自信的错误就几乎得不到纠正。",
    ),
    "output-slope-forgotten": Text(
        "漏了输出层激活函数的斜率",
        "平方误差下什么也不会约掉：误差是 (a - y) * a * (1 - a)。少了斜率，所有梯度都大了好几倍。",
    ),
    "input-for-activation": Text(
        "第二层的权重用了第一层的输入",
        "一层的梯度是进入这一层的值乘以它的误差。进入第二层的是 A1，不是 X。",
    ),
    "scores-for-activation": Text(
        "第二层的权重用了得分而不是激活值",
        "进入第二层的是激活之后的 A1。用 Z1，被 ReLU 关掉的单元也会算进去。",
    ),
    "weights-not-transposed": Text(
        "误差回传时权重没有转置",
        "正向是 Z = A @ W，所以反向是 dA = dZ @ W.T。W 是方阵时，另一种乘法形状也对得上，于是什么错误都不会报。",
    ),
    "weights-of-other-layer": Text(
        "误差经由另一层的权重回传",
        "第二层的误差要经由第二层的权重回传，它的得分正是由这些权重得来的。",
    ),
}

CHINESE = Phrases(
    of_optimizer="第 {number} 题（共 {count} 题）：{rule}，其中有一处错误。",
    of_network="第 {number} 题（共 {count} 题）：一个网络，其反向传播中有一处错误。",
    which="错在哪里？请输入字母或行号。",
    which_line="错在哪一行？",
    prompt="回答（? 看答案，q 退出）：",
    right="正确：{solution}。",
    wrong="不对。答案：{solution}。",
    finding="{letter}，",
    line="第 {line} 行",
    lines="第 {lines} 行中的任一行",
    not_understood="这既不是选项字母，也不是行号。",
    told="{title}。{explanation}",
    effect="影响：{effect}。",
    off="梯度的偏差（占其长度的比例）：{effect}。",
    score="{count} 题中答对 {right} 题。",
    again="重做同样的题目：{command}",
    look_again="需要复习：",
    no_more="这类题目没有更多了：共 {count} 题。",
    texts=TEXTS,
)
