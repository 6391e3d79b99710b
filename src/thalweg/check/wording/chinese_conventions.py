"""The catalogue's conventions in Chinese: title and explanation by code."""
# ruff: noqa: E501, RUF001 - a sentence is one line; Chinese has signs of its own

from __future__ import annotations

CONVENTIONS: dict[str, tuple[str, str]] = {
    "epsilon-inside-root": (
        "epsilon 在根号内",
        "Adam 论文里是 sqrt(v) + epsilon，这里写成 sqrt(v + epsilon)。同一个数的保护作用因此放大一万倍：根号内的 1e-8 相当于根号外的 1e-4。",
    ),
    "epsilon-hat": (
        "epsilon 加在偏差修正之前",
        "论文第 2 节称之为 epsilon hat：未修正的二阶矩开方后加 epsilon，修正系数并入学习率。换算到通常的位置就是 epsilon / sqrt(1 - beta2**t)。",
    ),
    "epsilon-hat-inside-root": (
        "epsilon 在根号内，而且在偏差修正之前",
        "写成 sqrt(v + epsilon)，修正系数并入学习率。开头几步受 epsilon 的影响更大。",
    ),
    "epsilon-outside-root": (
        "epsilon 在两个根号之外",
        "AdaDelta 论文把 epsilon 放在两个根号里面。放在外面时，同一个数会使开头几步短一千倍。",
    ),
    "epsilon-twice": ("根号内还有第二个 epsilon", "Optax 称之为 eps_root；它使对更新步骤本身求导时不会出现无穷大。"),
    "epsilon-as-floor": (
        "epsilon 是分母的下限",
        "该用 sqrt + epsilon 的地方用了 max(sqrt, epsilon)。两者都能防止除以零，只有梯度与 epsilon 差不多大时才有差别。",
    ),
    "epsilon-beside-maximum": (
        "epsilon 在做除法时才加到最大值上",
        "论文没有 epsilon；PyTorch 把它加在参与取最大值的梯度上。",
    ),
    "epsilon-in-rectified": ("epsilon 加在偏差修正之后", "PyTorch 的 RAdam 把它加在未修正的根号上。"),
    "epsilon-not-remembered": (
        "epsilon 不进入滑动平均",
        "AdaBelief 论文每一步都把 epsilon 加进平均值；许多实现省略了它，取 1e-16 时几乎看不出差别。",
    ),
    "epsilon-root-remembered": (
        "进入滑动平均的是另一个 epsilon",
        "Optax 有两个：eps_root 进入 AdaBelief 的平均值，eps 加在根号外。",
    ),
    "rate-in-velocity": (
        "学习率在速度里面",
        "速度 = momentum * 速度 + 学习率 * g，这是 Sutskever 的写法。学习率不变时路径相同；学习率改变时，旧梯度仍带着旧的学习率。",
    ),
    "rate-in-look-ahead": (
        "学习率在 Nesterov 的速度里面",
        "Keras 和 Sutskever 把学习率放在速度里。学习率不变时路径相同。",
    ),
    "dampened": (
        "除第一个以外，梯度都乘了阻尼",
        "PyTorch 的 dampening 会缩小进入速度的梯度，但第一个梯度是完整进入的。",
    ),
    "velocity-corrected": (
        "梯度的平均值做了起步修正",
        "速度除以 1 - momentum**t，和 Adam 一样。普通动量不做修正，开头几步较短。",
    ),
    "nesterov-of-average": (
        "前瞻用的是平均值",
        "速度是平均值 (1 - momentum) * g + momentum * 速度。它的学习率是通常写法的 1 / (1 - momentum) 倍。",
    ),
    "gradient-taken-ahead": (
        "梯度应当在前方的点上求",
        "这一步是重球法的写法。如果调用者在 theta - 学习率 * momentum * 速度 处求梯度，它就是 Nesterov 动量；在 theta 处求，就是重球法。",
    ),
    "l2-in-gradient": (
        "权重衰减加在梯度上",
        "这等于加了 weight_decay / 2 乘以参数平方和的 L2 惩罚。在自适应方法里它会经过各阶矩，因此不是 AdamW 的解耦衰减。",
    ),
    "decoupled-decay": (
        "参数在更新步之外单独衰减",
        "theta 每步缩小 学习率 * weight_decay 的比例，不经过矩或速度，和 AdamW 一样。",
    ),
    "decay-without-rate": (
        "衰减没有乘学习率",
        "论文的算法在这里没有学习率，PyTorch、Keras 和 Optax 都有。学习率为 0.001 时，同一个数的衰减强一千倍。",
    ),
    "mean-square-corrected": (
        "均方做了起步修正",
        "RMSprop 没有修正，所以第一步很长；除以 1 - rho**t 之后就不会。",
    ),
    "maximum-of-corrected": ("最大值取自修正后的二阶矩", "Optax 在修正之后取最大值，PyTorch 在修正之前取。"),
    "maximum-uncorrected": (
        "AMSGrad 没有偏差修正",
        "论文的算法两个矩都不修正。PyTorch、Keras 和 Optax 两个都修正。",
    ),
    "constant-look-ahead": (
        "NAdam 的动量是常数",
        "Optax 和许多讲义直接用 beta1 做前瞻；论文让它从 beta1 的一半逐渐上升。",
    ),
    "simple-look-ahead": (
        "NAdam 的前瞻只有一个修正系数",
        "平均值和梯度都除以同一个 1 - beta1**t，博客文章常这样推导。",
    ),
    "falling-rate": (
        "学习率随步数下降",
        "PyTorch 的 Adagrad 把学习率除以 1 + (t - 1) * lr_decay；这其实是一种学习率计划。",
    ),
    "one-step-late": (
        "Rprop 晚走一步",
        "Optax 返回的是上一次更新时存下的步子；符号改变时不走。",
    ),
    "change-weighted-otherwise": (
        "Adan 中梯度之差的权重是 1 - beta2",
        "Optax 用 1 - b2 给梯度之差加权；论文和作者的代码用的是他们的 1 - beta2，也就是我们的 beta2。",
    ),
    "power-for-root": (
        "平方和的任意次幂代替了平方根",
        "Keras 和 TensorFlow 允许学习率按 1/2 以外的次幂下降。取 0 时完全不下降。",
    ),
    "weights-one-step-late": (
        "FTRL 晚走一步",
        "River 用这个梯度到来之前的累积量算权重，梯度要到下一次更新才起作用。当 l1 压住 z 时，它保留原来的权重；论文则把权重设为零。",
    ),
    "shrinkage": ("FTRL 收缩梯度，并把 l2 算了两次", "Keras 把 l2 加倍，还让另一个衰减作用在梯度上。"),
    "clipped-by-value": (
        "梯度被限制在一个范围内",
        "规则看到梯度之前，每个坐标都被限制在 -clip 与 clip 之间。这样可以防止爆炸，但会改变步子的方向。",
    ),
    "rate-over-root": (
        "学习率随 t 的平方根下降",
        "学习率除以 sqrt(t)，收敛性证明就是这样设定的。这其实是一种学习率计划。",
    ),
    "average-starts-at-gradient": ("平均值从第一个梯度开始", "从第一个梯度而不是从零开始，平均值就不需要修正。"),
    "mean-square-starts-at-square": (
        "均方从第一个平方开始",
        "从第一个平方而不是从零开始，RMSprop 的第一步就不会很长。",
    ),
    "mean-square-starts-at-one": (
        "均方从 1 开始",
        "TensorFlow 最早的 RMSprop 就是这样开始的，开头几步比从零开始短。",
    ),
    "no-epsilon-in-maximum": (
        "AdaMax 没有 epsilon",
        "论文的算法不需要它：只有梯度一直为零的坐标才会出现零除以零。",
    ),
    "steps-after-turn": (
        "符号改变之后 Rprop 仍然移动",
        "这就是 Rprop-：符号改变时步长缩小，照样移动。PyTorch 和 iRprop- 会停一步并忘掉这个梯度。",
    ),
    "steps-back": (
        "符号改变时 Rprop 撤回上一步",
        "这就是带权重回溯的 Rprop+：符号改变时撤销上一步，并忘掉这个梯度。PyTorch 在这里停一步。",
    ),
    "rectified-from-four": (
        "RAdam 从长度 4 起整流",
        "论文在平均的长度大于 4 时整流，PyTorch、Optax 和作者的代码从 5 开始。beta2 = 0.999 时只有第五步不同。",
    ),
    "mean-starts-at-zero": (
        "Yogi 的梯度平均值从零开始",
        "论文就是从零开始的。TensorFlow、Optax 和 PyTorch 的移植版让两个矩都从初始累积量开始。",
    ),
    "variance-corrected": (
        "方差做了起步修正",
        "均方和平均值都先除以 1 - rho**t，再相减。",
    ),
    "variance-not-held": (
        "没有防止方差小于零",
        "除了舍入误差，均方不会小于平均值的平方。和别的错误在一起时差会变成负数，根号没有实数值。",
    ),
    "size-under-root": (
        "对绝对值开方",
        "平方的平均值本来就不为负，根号里的 abs() 不起作用。和别的错误在一起时，它会掩盖本可以暴露错误的 NaN。",
    ),
    "epsilon-added-to-maximum": (
        "epsilon 加在保存下来的最大值上",
        "取最大值之后先加 epsilon 再保存，梯度一直很小时它会略微累积。",
    ),
    "clipped-by-norm": (
        "按范数裁剪梯度",
        "整个梯度的范数大于 max_norm 时，缩到这个长度。方向不变。",
    ),
    "arrays-clipped-by-norm": (
        "每个数组的梯度分别按范数裁剪",
        "某个数组的梯度的范数大于 max_norm 时，缩到这个长度。各数组的方向不变，整个梯度的方向会变。",
    ),
    "decaying-rate": ("学习率每步乘以一个因子", "每次更新学习率都缩小同样的比例。这其实是一种学习率计划。"),
    "falling-rate-at-once": (
        "学习率从第一步起就下降",
        "第一步就已经除以 1 + lr_decay，别的写法第一步用完整的学习率。这其实是一种学习率计划。",
    ),
    "decaying-rate-at-once": (
        "学习率从第一步起就乘以一个因子",
        "第一步就已经乘了这个因子，别的写法第一步用完整的学习率。这其实是一种学习率计划。",
    ),
    "averages-start-at-gradient": (
        "两个平均值都从第一个梯度开始",
        "从第一个梯度和它的平方而不是从零开始，平均值就不需要修正。",
    ),
}
