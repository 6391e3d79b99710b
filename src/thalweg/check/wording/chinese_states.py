"""The catalogue's mistakes in what is remembered and in loops over arrays, in Chinese: title and explanation by code."""
# ruff: noqa: E501, RUF001 - a sentence is one line; Chinese has signs of its own

from __future__ import annotations

STATES: dict[str, tuple[str, str]] = {
    "moments-swapped": (
        "更新步里的两个矩写反了",
        "步子沿着均方走，却除以平均值的平方根。梯度为负时这个根号没有实数值。",
    ),
    "moments-share-memory": (
        "两个矩是同一个数组",
        "m = v = zeros(...) 创建的是一个数组的两个名字，就地更新任何一个都会改变另一个。步子成了混合量除以它自己的平方根。",
    ),
    "first-hat-of-second": (
        "修正后的一阶矩取自二阶矩",
        "复制来的一行里仍写着 v。于是步子跟随平方，而平方从不为负。",
    ),
    "second-hat-of-first": (
        "修正后的二阶矩取自一阶矩",
        "复制来的一行里仍写着 m。梯度为负时，平均值的平方根没有实数值。",
    ),
    "first-from-second": ("一阶矩记住的是二阶矩", "复制来的一行里仍写着 v：旧的平方与新的梯度被平均在一起。"),
    "second-from-first": ("二阶矩记住的是一阶矩", "复制来的一行里仍写着 m：旧的梯度与新的平方被平均在一起。"),
    "first-weighted-with-beta2": (
        "梯度以 1 - beta2 的权重进入一阶矩",
        "beta1 应与 1 - beta1 配对。用 1 - beta2，常见的 beta 下平均值会小一百倍。",
    ),
    "second-weighted-with-beta1": (
        "平方以 1 - beta1 的权重进入二阶矩",
        "beta2 应与 1 - beta2 配对。用 1 - beta1，常见的 beta 下均方会大一百倍。",
    ),
    "first-never-forgets": (
        "旧的一阶矩前缺少 beta1",
        "什么都不遗忘，梯度会一直累积。步子一直朝着最初那些梯度的方向走。",
    ),
    "second-never-forgets": (
        "旧的二阶矩前缺少 beta2",
        "什么都不遗忘，平方会一直累积，步子像 AdaGrad 那样越来越短。",
    ),
    "first-starts-at-gradient": (
        "一阶矩从第一个梯度开始，却仍做了偏差修正",
        "修正是为了补偿从零开始。从第一个梯度开始时，第一步的平均值被放大了 1 / (1 - beta1) 倍。",
    ),
    "second-starts-at-square": (
        "二阶矩从第一个平方开始，却仍做了偏差修正",
        "修正是为了补偿从零开始。从第一个平方开始时，第一步只有应有的 sqrt(1 - beta2) 倍。",
    ),
    "root-then-corrected": (
        "先开方，后修正",
        "该用 sqrt(v / (1 - beta2**t)) 的地方写了 sqrt(v) / (1 - beta2**t)。开头的步子只有应有的 sqrt(1 - beta2**t) 倍。",
    ),
    "folded-root-missing": (
        "并入学习率的修正缺少开方",
        "并入学习率时，修正是 sqrt(1 - beta2**t) / (1 - beta1**t)。不开方，开头的步子约短三十倍。",
    ),
    "never-counted": ("t 从不增加", "t 一直是 1，所以每一步都按第一步来修正。"),
    "doubled-not-squared": (
        "该平方的地方乘了 2",
        "该用 g ** 2 的地方写了 g * 2。梯度为负时根号没有实数值。",
    ),
    "roots-missing": (
        "两个均方都没有开方",
        "应当是两个平方根的比值。不开方，步子的单位就变了，开头会短得多。",
    ),
    "rate-missing": ("缺少学习率", "步子的长度相当于学习率为 1。无论把学习率设成多少都没有作用。"),
    "memory-never-forgets": (
        "旧的速度前缺少 momentum",
        "什么都不遗忘，每个梯度永远起作用，相当于动量为 1。",
    ),
    "square-never-forgets": (
        "旧的均方前缺少 rho",
        "什么都不遗忘，平方会一直累积，步子像 AdaGrad 那样越来越短。",
    ),
    "decay-through-moments": (
        "衰减经过了各阶矩",
        "衰减加在梯度上，就会像带 L2 的 Adam 那样除以梯度的尺度。解耦衰减应当在更新步之外作用于参数。",
    ),
    "first-array-skipped": (
        "第一个参数数组没有更新",
        "遍历各层的循环晚开始了一个，或者最后一轮覆盖了其他各轮。第一个数组停在起点。",
    ),
    "one-state-for-all-arrays": (
        "所有参数数组共用一个状态",
        "每个数组更新的都是前一个数组留下的状态。形状不同时根本无法运行；形状相同时，每个数组跟随的都是混合量。",
    ),
    "first-gradient-for-all": (
        "所有数组都用第一个数组的梯度更新",
        "复制来的一行里，该写 db 的地方仍是 dW。第二个数组被不属于自己的梯度移动。",
    ),
    "last-gradient-for-all": (
        "所有数组都用最后一个数组的梯度更新",
        "循环变量里仍是最后一个梯度。每个数组都被它移动。",
    ),
    "first-velocity-for-all": (
        "所有数组都用第一个数组的速度",
        "复制来的一行里，该写 v_db 的地方仍是 v_dW。第二个数组自己的速度没有用上。",
    ),
    "first-scale-for-all": (
        "所有数组都除以第一个数组的尺度",
        "复制来的一行里，该写 s_db 的地方仍是 s_dW。第二个数组是用别人的梯度来量的。",
    ),
    "first-mean-for-all": (
        "所有数组都用第一个数组的梯度平均值",
        "复制来的一行里，该写 v_db 的地方仍是 v_dW。第二个数组跟随的是别人的梯度。",
    ),
    "counted-by-array": (
        "指数用的是数组的编号，而不是 t",
        "该用 t 的地方用了循环变量。修正永远不会结束，而且各层不同。",
    ),
    "counted-from-array": ("t 上加了数组的编号", "修正用的是更晚一步的系数，层越深就越晚。"),
    "never-updated": (
        "参数从不更新",
        "步子算出来了却没有存回去，或者存到了别的名字下。参数一直停在起点。",
    ),
    "steps-without-velocity": (
        "更新步用的是梯度，而不是速度",
        "复制来的一行里，该写 v_db 的地方仍是 db。速度白白保存着，参数走的是普通的梯度下降。",
    ),
    "decay-left-out": (
        "参数不衰减",
        "偏置和归一化的尺度通常不参与权重的衰减。无需改动。",
    ),
    "gradient-one-step-late": (
        "用的是上一步的梯度",
        "更新发生在存入新梯度之前。每个梯度晚一步才起作用，第一步不跟随任何梯度。",
    ),
    "velocity-added-to-itself": (
        "新的速度又加到了旧的上面",
        "该用 = 的地方用了 +=。什么也不会忘记：速度每步增大 1 + momentum 倍。",
    ),
    "history-reversed": (
        "最新的梯度权重最小",
        "momentum 的次幂是从第一个梯度数起的，而不是从最后一个。步子一直沿着最初的梯度走。",
    ),
    "looks-ahead-from-new-velocity": (
        "Nesterov 的前瞻把新速度当作旧速度",
        "momentum**2 * 旧速度 + (1 + momentum) * g 这种写法要用这个梯度之前的速度。用新速度，梯度就多作用了一次。",
    ),
    "first-added-to-itself": (
        "新的一阶矩又加到了旧的上面",
        "该用 = 的地方用了 +=。什么也不会忘记：平均值每步增大 1 + beta1 倍。",
    ),
    "second-added-to-itself": (
        "新的二阶矩又加到了旧的上面",
        "该用 = 的地方用了 +=。什么也不会忘记：均方每步增大 1 + beta2 倍，步子逐渐消失。",
    ),
}
