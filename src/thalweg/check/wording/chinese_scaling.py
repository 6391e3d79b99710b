"""The catalogue's other mistakes in Chinese: title and explanation by code."""
# ruff: noqa: RUF001 - a sentence is one line; Chinese has signs of its own

from __future__ import annotations

SCALING: dict[str, tuple[str, str]] = {
    "root-missing": (
        "二阶矩缺少开方",
        "应当除以均方根，却除以了均方。梯度越小，步子反而越大。",
    ),
    "epsilon-missing": (
        "缺少 epsilon",
        "除法没有任何保护。梯度为零的坐标会变成 NaN，并带坏其余的坐标。",
    ),
    "epsilon-subtracted": (
        "减去了 epsilon",
        "这个保护反而使分母变小。梯度小于 epsilon 时分母为负，步子朝上坡走。",
    ),
    "epsilon-after-division": (
        "epsilon 加在了步子上，而不是分母上",
        "不加括号时先算除法：m / sqrt(v) + epsilon 就是 (m / sqrt(v)) + epsilon。除法没有保护，每步还偏移 epsilon。",
    ),
    "epsilon-after-quotient": (
        "epsilon 加在了商上，而不是分母上",
        "括号收得太晚：学习率 * (m / sqrt(v) + epsilon)。除法没有保护，每步还偏移学习率乘以 epsilon。",
    ),
    "epsilon-after-step": (
        "epsilon 加在了 theta 上，而不是分母上",
        "不加括号时 epsilon 落在整个步子后面：theta - m / sqrt(v) + epsilon。除法没有保护，theta 每步偏移 epsilon。",
    ),
    "not-squared": (
        "梯度没有平方",
        "该用均方的地方用了梯度的平均值。梯度为负时根号没有实数值。",
    ),
    "size-for-square": (
        "该用梯度平方的地方用了绝对值",
        "绝对值的平均被当作平方的平均来开方。步子里还留着梯度尺度的平方根。",
    ),
    "one-scale-per-array": (
        "整个数组共用一个平方和",
        "开方之前把所有坐标的平方加在了一起。这样就不再是逐坐标的方法：大梯度旁边的小梯度几乎不动。",
    ),
    "squares-not-kept": (
        "平方和每一步都重新开始",
        "AdaGrad 的步子变短，是因为平方不断累积。没有记忆，每一步都和学习率一样长。",
    ),
    "root-kept": ("平方根被存回去当作平方和", "开方只用于读取。存回去以后，下一个平方就加到了平方根上。"),
    "sum-before-gradient": (
        "平方和在看到这个梯度之前就被使用",
        "步子只除以以前梯度的大小。第一步除以的是 epsilon。",
    ),
    "sum-then-square": ("先求和再平方", "和的平方不是平方的和：正负梯度会在里面相互抵消。"),
    "square-weights-swapped": (
        "均方的两个权重写反了",
        "rho 属于记忆，1 - rho 属于平方。写反以后，rho = 0.9 每步会忘掉十分之九。",
    ),
    "square-not-weighted": (
        "均方缺少 (1 - rho)",
        "平方之和不是均方：它大 1 / (1 - rho) 倍。步子只有应有的 sqrt(1 - rho) 倍。",
    ),
    "square-not-kept": ("均方每一步都重新开始", "里面没有任何以前的平方。每一步就成了梯度的符号。"),
    "square-before-gradient": (
        "均方在看到这个梯度之前就被使用",
        "步子只除以以前梯度的大小。第一步除以的是 epsilon。",
    ),
    "mean-added": (
        "该减去平均值平方的地方加上了它",
        "方差等于均方减去平均值的平方。加上以后，稳定的梯度反而走得最短。",
    ),
    "mean-not-squared": (
        "方差里的平均值没有平方",
        "方差等于均方减去平均值的平方。平均值本身的单位不同。",
    ),
    "variance-kept": (
        "方差被存回去当作均方",
        "就地去中心化会毁掉二阶矩：每一步都会再减一次平均值。",
    ),
    "velocity-then-scaled": (
        "该缩放梯度的地方缩放了速度",
        "每个梯度应当按自己的尺度进入速度。事后再缩放，旧梯度就用了新的尺度来量。",
    ),
    "delta-of-gradient": (
        "步子的均方取自梯度",
        "delta 应当对步子的平方求平均。取自梯度时它就和 s 相同，步子就成了梯度本身。",
    ),
    "delta-not-squared": (
        "步子的均方里没有平方",
        "delta 应当对平方求平均。正负步子会在里面抵消，根号没有实数值。",
    ),
    "delta-weights-swapped": ("步子均方的两个权重写反了", "rho 属于记忆，1 - rho 属于新的步子。"),
    "delta-not-kept": (
        "步子的均方一直停在起点",
        "分子没有任何来源，步子的大小一直是 epsilon 的平方根。",
    ),
    "sum-read-late": (
        "累积量还没有看到这个梯度，就已经算出了步子",
        "应当先更新 s。第一步只除以 epsilon 的平方根。",
    ),
    "ratio-upside-down": (
        "两个平方根的比值写反了",
        "步子应当以 过去的步子 / 过去的梯度 为单位。写反以后，步子随梯度的平方增大。",
    ),
    "numerator-without-epsilon": (
        "分子缺少 epsilon",
        "delta 从零开始；没有 epsilon，第一步为零，以后每一步也都为零。",
    ),
    "denominator-without-epsilon": (
        "分母缺少 epsilon",
        "还没有出现过梯度的地方 s 为零，除法没有值。",
    ),
    "uphill": ("步子是加上去的，不是减去的", "梯度指向上坡，下降要朝相反方向走。损失每一步都会上升。"),
    "gradient-not-zeroed": (
        "梯度一步一步累积",
        "每一步得到的是迄今所有梯度之和：只累加，从不清零。看起来就像动量为 1。",
    ),
    "state-made-anew": (
        "状态每一步都重新创建",
        "在更新函数里面创建的记忆每次都是空的。除了最后一个梯度，什么都记不住。",
    ),
    "only-first-array": (
        "只更新了第一个参数数组",
        "遍历各层的循环里有一个 return。第一个数组之后的参数都停在起点。",
    ),
    "gradient-normalised": (
        "每个数组的梯度都除以了自己的范数",
        "不论离最小值多近，每一步都一样长。这个方法无法停下来。",
    ),
    "rate-twice": ("学习率乘了两次", "速度里有一次，更新步里又有一次。步长成了学习率的平方。"),
    "memory-subtracted": ("旧的速度被减去了", "动量本该推动，却在刹车：速度每一步都改变符号。"),
    "momentum-of-sum": (
        "动量也乘到了梯度上",
        "该用 momentum * 速度 + g 的地方写了 momentum * (速度 + g)。每个梯度都因此变弱。",
    ),
    "velocity-weights-swapped": (
        "速度的两个权重写反了",
        "momentum 属于旧的速度，1 - momentum 属于梯度。写反以后，每步会忘掉十分之九。",
    ),
    "velocity-late": (
        "更新步用的是这个梯度之前的速度",
        "每个梯度晚一步才起作用，第一步完全不动。",
    ),
    "velocity-twice": ("减去了速度，又减去了已经在速度里的梯度", "梯度在自己的那一步里起了两次作用。"),
    "gradient-left-out": (
        "Nesterov 的更新步漏掉了梯度",
        "更新步只有 momentum 乘速度。这就成了学习率较小的重球法。",
    ),
    "look-ahead-not-weighted": (
        "Nesterov 的前瞻缺少 momentum",
        "该用 g + momentum * 速度 的地方写了 g + 速度。前瞻走得太远。",
    ),
    "look-ahead-sign": (
        "Nesterov 更新步里旧速度的符号错了",
        "这种写法是 (1 + momentum) * 速度 - momentum * 旧速度，要减去旧速度。加上它，步子会长得多。",
    ),
    "look-ahead-difference": (
        "Nesterov 更新步里该用 1 + momentum 的地方写了 1 - momentum",
        "这种写法是 (1 + momentum) * 速度 - momentum * 旧速度。用了减号，梯度几乎不起作用。",
    ),
    "square-added-to-itself": (
        "新的均方又加到了旧的上面",
        "该用 = 的地方用了 +=。什么也不会忘记：均方每步增大 1 + rho 倍，步子逐渐消失。",
    ),
    "delta-before-step": (
        "步子的均方在这一步之前就包含了这一步",
        "delta 必须滞后：步子是用以前的步子来量的。先更新它，里面就有了还没走的一步。",
    ),
    "half-for-root": (
        "该开方的地方除以了二",
        "先算乘方再算除法：v ** 1 / 2 就是 (v ** 1) / 2，即 v 的一半。平方根是 v ** 0.5 或 v ** (1 / 2)。",
    ),
    "quotient-halved": (
        "商除以了二，而应当除以根号",
        "先算乘方再算除法：m / v ** 1 / 2 就是 (m / v) / 2。平方根是 v ** 0.5 或 v ** (1 / 2)。",
    ),
    "multiplied-by-root": (
        "乘了根号，而应当除以它",
        "梯度大的坐标本应被压住，现在走得最远。步子随梯度的平方增大。",
    ),
    "decay-divided": (
        "衰减也除以了根号",
        "它写在梯度平均值的括号里：(m + weight_decay * theta) / sqrt(v)。梯度大的参数几乎不衰减，这正是解耦要避免的。",
    ),
    "decay-in-both": ("梯度里和更新步旁边都有衰减", "衰减用了两次，其中一次经过梯度。参数缩小得比设定的快。"),
    "penalty-grows": (
        "从梯度里减去了衰减",
        "L2 惩罚应当给梯度加上 weight_decay * theta。减去它，参数就会按本应缩小的比例增大。",
    ),
    "falling-rate-kept": (
        "下降后的学习率被存了回去",
        "1 / (1 + t * lr_decay) 应当乘最初的学习率。存回去以后每步都在剩下的上面再乘，学习率比 t 的任何次幂都降得快。",
    ),
}
