"""The catalogue's mistakes in the rules of Adam's family in Chinese: title and explanation by code."""
# ruff: noqa: E501, RUF001 - a sentence is one line; Chinese has signs of its own

from __future__ import annotations

MOMENTS: dict[str, tuple[str, str]] = {
    "second-corrected-with-beta1": (
        "二阶矩的偏差修正用了 beta1",
        "二阶矩按 beta2 遗忘，起步时缺少的是 1 - beta2**t。用 beta1 修正，大约一千步内二阶矩都偏小得多，步长最多是应有的 sqrt((1 - beta1) / (1 - beta2)) 倍。",
    ),
    "first-corrected-with-beta2": (
        "一阶矩的偏差修正用了 beta2",
        "一阶矩按 beta1 遗忘，起步时缺少的是 1 - beta1**t。用 beta2 修正会把它放大，放大的倍数在一千步内从 1 升到约一百再降回来。",
    ),
    "corrections-swapped": (
        "两个偏差修正写反了",
        "一阶矩除以了 1 - beta2**t，二阶矩除以了 1 - beta1**t。两个 beta 相差很大时，开头的步子会长几百倍。",
    ),
    "first-not-corrected": (
        "一阶矩没有做偏差修正",
        "平均值从零开始，偏小的倍数是 1 - beta1**t。beta1 = 0.9 时，t = 1 的步子短十倍，大约三十步后才正常。",
    ),
    "second-not-corrected": (
        "二阶矩没有做偏差修正",
        "均方从零开始，偏小的倍数是 1 - beta2**t。beta2 = 0.999 时，除非一阶矩同样偏小，t = 1 的步子约长三十倍。",
    ),
    "not-corrected": (
        "缺少偏差修正",
        "两个平均值都从零开始，却没有任何补偿。用常见的 beta 时，开头几步约长三倍，而且一千步内都偏长。",
    ),
    "first-multiplied": (
        "一阶矩乘了修正系数",
        "平均值偏小，倍数是 1 - beta1**t；再乘一次只会更小。应当做除法。",
    ),
    "second-multiplied": (
        "二阶矩乘了修正系数",
        "均方偏小，倍数是 1 - beta2**t；再乘一次只会更小。开头的步子最多会长一千倍。",
    ),
    "multiplied": ("两个矩都乘了修正系数", "两个平均值在开头都偏小，相乘会使它们更小。应当做除法。"),
    "first-power-of-difference": (
        "该用 1 - beta1**t 的地方写了 (1 - beta1)**t",
        "次方只属于 beta1。(1 - beta1)**t 趋于零，步子每次更新长十倍。",
    ),
    "second-power-of-difference": (
        "该用 1 - beta2**t 的地方写了 (1 - beta2)**t",
        "次方只属于 beta2。(1 - beta2)**t 趋于零，分母爆炸，学习停止。",
    ),
    "power-of-difference": (
        "两处该用 1 - beta**t 的地方都写了 (1 - beta)**t",
        "次方只属于 beta。两个修正系数都趋于零，而不是趋于一。",
    ),
    "first-without-power": (
        "一阶矩的修正没有 t 次方",
        "1 - beta1 只是第一步的修正系数。以后每一步都永远长 1 / (1 - beta1) 倍。",
    ),
    "second-without-power": (
        "二阶矩的修正没有 t 次方",
        "1 - beta2 只是第一步的修正系数。以后的步子永远只有应有的 sqrt(1 - beta2) 倍。",
    ),
    "without-power": (
        "两个修正都没有 t 次方",
        "1 - beta1 和 1 - beta2 只对第一步是对的。这相当于 t 永远等于 1：实际的学习率不是设定的那个值。",
    ),
    "product-for-power": (
        "该用 beta**t 的地方写了 beta * t",
        "用乘积代替次方，第一步之后就变成负数。于是根号没有实数值。",
    ),
    "first-correction-kept": (
        "修正后的一阶矩被存回去当作一阶矩",
        "修正只用于读取。存回去以后，每一步都会再修正一次，越积越大。",
    ),
    "second-correction-kept": (
        "修正后的二阶矩被存回去当作二阶矩",
        "修正只用于读取。存回去以后每一步都会再修正一次：有的课程代码把 s_corrected 当作状态返回。",
    ),
    "corrections-kept": (
        "修正后的两个矩都被存回去当作状态",
        "修正只用于读取。存回去以后，每一步都会再修正一次，越积越大。",
    ),
    "counted-from-zero": ("t 从 0 开始", "1 - beta**0 等于零，所以第一步除以零。应当先给步数加一，再使用它。"),
    "counted-from-two": ("t 从 2 开始", "第一次修正用的已经是第二步的系数。开头几步短一半左右。"),
    "counted-per-array": (
        "每更新一个参数数组，t 就加一次",
        "有两个数组时，t 每步加二，而且每个数组看到的 t 不同。修正过早结束，层数越多结束得越早。",
    ),
    "betas-swapped": (
        "beta1 和 beta2 写反了",
        "平均值按 beta2 遗忘，均方按 beta1 遗忘。于是步子跟随一千个旧梯度，却用最近十个梯度来缩放。",
    ),
    "first-betas-swapped": (
        "一阶矩按 beta2 遗忘",
        "梯度的平均值属于 beta1。用 beta2，步子会跟随一千个旧梯度。",
    ),
    "second-with-beta1": (
        "二阶矩按 beta1 遗忘",
        "均方属于 beta2。用 beta1，它只跟随最近十个梯度，步子噪声很大。",
    ),
    "first-not-weighted": (
        "一阶矩缺少 (1 - beta1)",
        "梯度之和不是平均值：它大 1 / (1 - beta1) 倍。beta1 = 0.9 时步子长十倍。",
    ),
    "second-not-weighted": (
        "二阶矩缺少 (1 - beta2)",
        "平方之和不是均方：它大 1 / (1 - beta2) 倍。beta2 = 0.999 时步子约短三十倍。",
    ),
    "first-weights-swapped": (
        "一阶矩的两个权重写反了",
        "beta1 属于记忆，1 - beta1 属于梯度。写反以后，记忆一两步就消失了。",
    ),
    "second-weights-swapped": (
        "二阶矩的两个权重写反了",
        "beta2 属于记忆，1 - beta2 属于平方。写反以后，记忆一步就消失了。",
    ),
    "first-not-kept": ("一阶矩每一步都重新开始", "里面没有任何以前的梯度。步子只跟随最后一个梯度。"),
    "second-not-kept": ("二阶矩每一步都重新开始", "里面没有任何以前的平方。步子只除以最后一个梯度的大小。"),
    "second-of-mean": (
        "二阶矩对一阶矩的平方求平均",
        "应当平方的是梯度，不是它的平均值。会相互抵消的噪声因此没有进入缩放。",
    ),
    "steps-by-gradient": (
        "该用一阶矩的地方用了梯度",
        "一阶矩算了却没有用。这样就成了带修正的 RMSprop。",
    ),
    "first-uncorrected-second-late": (
        "二阶矩在看到这个梯度之前就被使用",
        "步子只除以以前梯度的均方。第一步时它是零。",
    ),
    "decay-after-step": (
        "衰减放在更新之后",
        "衰减作用在已经移动过的参数上，所以步子本身也被衰减。论文衰减的是更新之前的参数。",
    ),
    "decay-grows": ("衰减的符号错了", "参数按本该缩小的比例变大。"),
    "decay-twice": ("衰减做了两次", "它既在梯度里，又在更新步之外。前者经过各阶矩，后者不经过。"),
    "maximum-corrected": (
        "对最大值做了偏差修正",
        "最大值在开头并不偏小，不需要修正。步子因此短了 1 - beta2**t 倍。",
    ),
    "maximum-of-signed": (
        "最大值取的是梯度，不是梯度的绝对值",
        "负的梯度永远不会使它变大。遇到负梯度时步子没有上限。",
    ),
    "maximum-is-sum": ("该取最大值的地方写成了求和", "无穷范数是两者中较大的一个，不是它们的和。步子因此短得多。"),
    "maximum-kept-as-second": (
        "最大值被存回去当作二阶矩",
        "平均值从最大值接着算，而不是从平均值接着算。它再也降不下来。",
    ),
    "looks-ahead-with-same-momentum": ("前瞻用了这一步的动量", "平均值应当乘下一步的动量，梯度才乘这一步的动量。"),
    "surprise-of-old-mean": (
        "偏差是相对于这个梯度之前的平均值来量的",
        "应当先更新平均值。相对于旧的平均值，每个梯度都显得更意外。",
    ),
    "sign-turned": ("均方朝远离新平方的方向移动", "v - g**2 的符号反了，v 会一直增大或降到零以下。"),
    "lion-betas-swapped": (
        "Lion 的两个 beta 写反了",
        "读取时用了记忆的比例，记忆时用了读取的比例。Optimisers.jl 里这个错误存在了很久。",
    ),
    "remembers-before-step": ("记忆在更新步读取之前就更新了", "读到的记忆里已经有这个梯度。这个梯度因此算了两次。"),
    "sign-missing": ("缺少取符号", "这里本应只取符号，结果步子随它的大小缩放。"),
    "sign-before-mean": (
        "先取符号再平均，应当先平均再取符号",
        "取符号是最后一步。先取符号再平均，每个梯度不论大小都只有一票。",
    ),
    "factors-swapped": (
        "Rprop 步长的两个因子写反了",
        "符号不变时步长缩小，符号改变时反而增大。在坡上步子会消失，在谷底会爆炸。",
    ),
    "rectifier-unused": (
        "整流系数算出来却没有用",
        "从第五、六步起它就是 Adam，本应由整流系数压住的步子没有压住。",
    ),
    "look-ahead-not-averaged": (
        "NAdam 的梯度前缺少 1 - beta1",
        "前瞻由 beta1 份平均值和 1 - beta1 份梯度组成。缺了这个比例，梯度的作用大了 1 / (1 - beta1) 倍。",
    ),
    "mean-weights-swapped": (
        "平均值的两个权重写反了",
        "momentum 乘旧的平均值，1 - momentum 乘梯度。写反以后，记忆一两步就没有了。",
    ),
    "averages-first": ("先平均梯度，再缩放", "LaProp 先缩放再平均。反过来的顺序就是 Adam。"),
}
