"""Mistakes with moments and their correction: Adam and its family."""

from __future__ import annotations

from thalweg.check.catalogue.edits import First, Last, Move, Replace
from thalweg.check.catalogue.variation import Variation

_M = "1 - beta1**t"
_V = "1 - beta2**t"
_FIRST = Replace("m_hat = X / (1 - beta1**t)", "m_hat = X")
_SECOND = Replace("v_hat = X / (1 - beta2**t)", "v_hat = X")
_FIRST_TIMES = Replace("m_hat = X / (1 - beta1**t)", "m_hat = X * (1 - beta1**t)")
_SECOND_TIMES = Replace("v_hat = X / (1 - beta2**t)", "v_hat = X * (1 - beta2**t)")
_FAMILY = ("adam", "adamw", "amsgrad", "adabelief", "yogi", "laprop")

CORRECTION = (
    Variation(
        "second-corrected-with-beta1",
        "mistake",
        "the second moment is corrected with beta1",
        "The second moment forgets with beta2, so 1 - beta2**t is what it lacks at the start. With beta1 it stays far "
        "too small for about a thousand steps, and steps are up to sqrt((1 - beta1) / (1 - beta2)) times too long.",
        "seed 002; public course code",
        (Replace(_V, _M, within="v_hat"),),
    ),
    Variation(
        "first-corrected-with-beta2",
        "mistake",
        "the first moment is corrected with beta2",
        "The first moment forgets with beta1, so 1 - beta1**t is what it lacks at the start. With beta2 it is blown up "
        "by a factor that falls from 1 to a hundred and back over a thousand steps.",
        "public course code",
        (Replace(_M, _V, within="m_hat"),),
    ),
    Variation(
        "corrections-swapped",
        "mistake",
        "the two corrections are swapped",
        "The first moment is divided by 1 - beta2**t and the second by 1 - beta1**t. Early steps are hundreds of times "
        "too long where the two betas differ much.",
        "public course code",
        (
            Replace("1 - beta1**t", "1 - beta0**t", within="m_hat"),
            Replace(_V, _M, within="v_hat"),
            Replace("1 - beta0**t", _V, within="m_hat"),
        ),
    ),
    Variation(
        "first-not-corrected",
        "mistake",
        "the first moment is not corrected",
        "The average starts at zero and is too small by 1 - beta1**t. Steps are ten times too short at t = 1 for "
        "beta1 = 0.9 and right after some thirty.",
        "mlx#1640; a Stack Overflow answer",
        (_FIRST,),
    ),
    Variation(
        "second-not-corrected",
        "mistake",
        "the second moment is not corrected",
        "The mean square starts at zero and is too small by 1 - beta2**t. Steps are some thirty times too long at "
        "t = 1 for beta2 = 0.999, unless the first moment is short as well.",
        "mlx#1640",
        (_SECOND,),
    ),
    Variation(
        "not-corrected",
        "mistake",
        "the bias correction is missing",
        "Both averages start at zero and nothing makes up for it. First steps are about three times too long with the "
        "usual betas, and too long for a thousand steps.",
        "mlx#1640, mlx-rs#301; public course code",
        (_FIRST, _SECOND),
    ),
    Variation(
        "first-multiplied",
        "mistake",
        "the first moment is multiplied by its correction",
        "The average is too small by 1 - beta1**t; multiplying makes it smaller still. It has to be divided.",
        "convnetjs#107",
        (_FIRST_TIMES,),
    ),
    Variation(
        "second-multiplied",
        "mistake",
        "the second moment is multiplied by its correction",
        "The mean square is too small by 1 - beta2**t; multiplying makes it smaller still. Steps are up to a thousand "
        "times too long at the start.",
        "convnetjs#70",
        (_SECOND_TIMES,),
    ),
    Variation(
        "multiplied",
        "mistake",
        "both moments are multiplied by their corrections",
        "Both averages are too small at the start and multiplying makes them smaller still. They have to be divided.",
        "convnetjs#70, #107 and its head",
        (_FIRST_TIMES, _SECOND_TIMES),
    ),
    Variation(
        "first-power-of-difference",
        "mistake",
        "(1 - beta1)**t stands where 1 - beta1**t belongs",
        "The power belongs to beta1 alone. (1 - beta1)**t goes to zero, so that steps grow tenfold with every update.",
        "public course code",
        (Replace(_M, "(1 - beta1)**t", within="m_hat"),),
    ),
    Variation(
        "second-power-of-difference",
        "mistake",
        "(1 - beta2)**t stands where 1 - beta2**t belongs",
        "The power belongs to beta2 alone. (1 - beta2)**t goes to zero, so that the denominator explodes and learning "
        "stops.",
        "public course code",
        (Replace(_V, "(1 - beta2)**t", within="v_hat"),),
    ),
    Variation(
        "power-of-difference",
        "mistake",
        "(1 - beta)**t stands where 1 - beta**t belongs, twice",
        "The power belongs to beta alone. Both corrections go to zero instead of one.",
        "public course code",
        (Replace(_M, "(1 - beta1)**t", within="m_hat"), Replace(_V, "(1 - beta2)**t", within="v_hat")),
    ),
    Variation(
        "first-without-power",
        "mistake",
        "the first correction has no power of t",
        "1 - beta1 is the correction of the first step and of no other. Later steps are 1 / (1 - beta1) times too "
        "long for ever.",
        "ML-From-Scratch#35",
        (Replace(_M, "1 - beta1", within="m_hat"),),
    ),
    Variation(
        "second-without-power",
        "mistake",
        "the second correction has no power of t",
        "1 - beta2 is the correction of the first step and of no other. Later steps are sqrt(1 - beta2) times what "
        "they should be, for ever.",
        "ML-From-Scratch#35",
        (Replace(_V, "1 - beta2", within="v_hat"),),
    ),
    Variation(
        "without-power",
        "mistake",
        "the corrections have no power of t",
        "1 - beta1 and 1 - beta2 correct the first step and no other. It is as if t stood at 1: the rate settles at "
        "another value than the one that was set.",
        "ML-From-Scratch#35; OLMo-core#317 (t never counted)",
        (Replace(_M, "1 - beta1", within="m_hat"), Replace(_V, "1 - beta2", within="v_hat")),
    ),
    Variation(
        "product-for-power",
        "mistake",
        "beta * t stands where beta**t belongs",
        "A product in the place of a power turns negative after the first step. The root then has no real value.",
        "public course code",
        (Replace(_M, "1 - beta1 * t", within="m_hat"), Replace(_V, "1 - beta2 * t", within="v_hat")),
    ),
    Variation(
        "first-correction-kept",
        "mistake",
        "the corrected first moment is kept as the moment",
        "The correction is for reading only. Written back, it is applied again at every step and piles up.",
        "holocron#1; a Stack Overflow answer",
        (Last("m = m_hat"),),
        _FAMILY,
    ),
    Variation(
        "second-correction-kept",
        "mistake",
        "the corrected second moment is kept as the moment",
        "The correction is for reading only. Written back, it is applied again at every step: course code returns "
        "s_corrected as the state.",
        "holocron#1; public course code",
        (Last("v = v_hat"),),
        ("adam", "adamw", "adabelief", "yogi"),
    ),
    Variation(
        "corrections-kept",
        "mistake",
        "the corrected moments are kept as the moments",
        "The corrections are for reading only. Written back, they are applied again at every step and pile up.",
        "holocron#1; pennylane#1928",
        (Last("m = m_hat"), Last("v = v_hat")),
        ("adam", "adamw", "adabelief", "yogi"),
    ),
    Variation(
        "counted-from-zero",
        "mistake",
        "t starts at 0",
        "1 - beta**0 is zero, so the first step divides by zero. Count the step before it is used.",
        "nd4j#1227, burn#834",
        (First("t = t - 1"),),
    ),
    Variation(
        "counted-from-two",
        "mistake",
        "t starts at 2",
        "The first correction is already the second step's. The first steps are too short by half.",
        "cs231n#179; tensorflow#35444",
        (First("t = t + 1"),),
    ),
    Variation(
        "counted-per-array",
        "mistake",
        "t is counted once per parameter array",
        "With two arrays t goes up by two at each step, and each array sees another t. The correction ends too early, "
        "the earlier the more layers there are.",
        "flashlight#143, DiffSharp#292, DeepSpeed#1823",
        (First("t = calls"),),
    ),
)

MEMORY = (
    Variation(
        "betas-swapped",
        "mistake",
        "beta1 and beta2 are swapped",
        "The mean forgets with beta2 and the mean square with beta1. The step then follows a thousand old gradients "
        "and scales them by the last ten.",
        "public course code",
        (Replace("beta1", "beta0"), Replace("beta2", "beta1"), Replace("beta0", "beta2")),
        (*_FAMILY, "nadam", "radam", "adamax"),
    ),
    Variation(
        "first-betas-swapped",
        "mistake",
        "the first moment forgets with beta2",
        "The mean gradient belongs to beta1. With beta2 the step follows a thousand old gradients.",
        "public course code",
        (Replace("m = beta1 * m + (1 - beta1) * G", "m = beta2 * m + (1 - beta2) * G"),),
        (*_FAMILY, "nadam", "radam", "adamax"),
    ),
    Variation(
        "second-with-beta1",
        "mistake",
        "the second moment forgets with beta1",
        "The mean square belongs to beta2. With beta1 it follows the last ten gradients only and steps are noisy.",
        "public course code",
        (Replace("v = beta2 * v + (1 - beta2) * G", "v = beta1 * v + (1 - beta1) * G"),),
    ),
    Variation(
        "first-not-weighted",
        "mistake",
        "(1 - beta1) is missing in the first moment",
        "The sum of gradients is not their average: it is 1 / (1 - beta1) times larger. Steps are ten times too long "
        "for beta1 = 0.9.",
        "public course code; pennylane#1929",
        (Replace("m = beta1 * m + (1 - beta1) * G", "m = beta1 * m + G"),),
    ),
    Variation(
        "second-not-weighted",
        "mistake",
        "(1 - beta2) is missing in the second moment",
        "The sum of squares is not their mean: it is 1 / (1 - beta2) times larger. Steps are some thirty times too "
        "short for beta2 = 0.999.",
        "public course code",
        (Replace("v = beta2 * v + (1 - beta2) * G", "v = beta2 * v + G"),),
    ),
    Variation(
        "first-weights-swapped",
        "mistake",
        "the weights of the first moment are swapped",
        "beta1 belongs to the memory and 1 - beta1 to the gradient. Swapped, the memory is gone after a step or two.",
        "fastbook#342; course code",
        (Replace("m = beta1 * m + (1 - beta1) * G", "m = (1 - beta1) * m + beta1 * G"),),
    ),
    Variation(
        "second-weights-swapped",
        "mistake",
        "the weights of the second moment are swapped",
        "beta2 belongs to the memory and 1 - beta2 to the square. Swapped, the memory is gone after a step.",
        "fastbook#342; course code",
        (Replace("v = beta2 * v + (1 - beta2) * G", "v = (1 - beta2) * v + beta2 * G"),),
    ),
    Variation(
        "first-not-kept",
        "mistake",
        "the first moment is made anew at each step",
        "Nothing of earlier gradients is left in it. The step follows the last gradient alone.",
        "TF forum thread 30155",
        (Replace("m = beta1 * m + (1 - beta1) * G", "m = (1 - beta1) * G"),),
    ),
    Variation(
        "second-not-kept",
        "mistake",
        "the second moment is made anew at each step",
        "Nothing of earlier squares is left in it. The step is divided by the size of the last gradient alone.",
        "TF forum thread 30155",
        (Replace("v = beta2 * v + (1 - beta2) * G", "v = (1 - beta2) * G"),),
    ),
    Variation(
        "second-of-mean",
        "mistake",
        "the second moment averages the square of the first",
        "It is the gradient that is squared, not its mean. Noise that averages out is then missing from the scale.",
        "public course code",
        (Replace("v = beta2 * v + (1 - beta2) * g**2", "v = beta2 * v + (1 - beta2) * m**2"),),
        ("adam", "adamw", "amsgrad"),
    ),
    Variation(
        "steps-by-gradient",
        "mistake",
        "the step uses the gradient where the first moment belongs",
        "The first moment is computed and not used. The rule is then RMSprop with a correction.",
        "public course code",
        (Replace("theta = theta - learning_rate * m_hat / X", "theta = theta - learning_rate * g / X"),),
        ("adam", "adamw", "amsgrad", "adabelief", "yogi"),
    ),
    Variation(
        "first-uncorrected-second-late",
        "mistake",
        "the second moment is used before it sees the gradient",
        "The step is divided by the mean square of earlier gradients only. At the first step that is zero.",
        "public course code",
        (First("stale = v"), Replace("v_hat = v / X", "v_hat = stale / X")),
        ("adam", "adamw"),
    ),
)

FAMILY = (
    Variation(
        "decay-after-step",
        "mistake",
        "the decay comes after the step",
        "The decay acts on parameters that have moved already, so the step itself decays too. The paper decays what "
        "was there before the step.",
        "Odyssey#5674",
        (
            Replace("theta = theta - learning_rate * weight_decay * theta", ""),
            Last("theta = theta - learning_rate * weight_decay * theta"),
        ),
        ("adamw", "lion", "adan", "ademamix"),
    ),
    Variation(
        "decay-grows",
        "mistake",
        "the decay has the wrong sign",
        "Parameters grow by the share by which they should shrink.",
        "public course code",
        (
            Replace(
                "theta = theta - learning_rate * weight_decay * theta",
                "theta = theta + learning_rate * weight_decay * theta",
            ),
        ),
    ),
    Variation(
        "decay-twice",
        "mistake",
        "the decay is applied twice",
        "It stands in the gradient and beside the step. The first passes through the moments, the second does not.",
        "nitrain#42 (the L2 term scaled twice)",
        (First("g = g + weight_decay * theta"),),
        ("adamw", "lion"),
    ),
    Variation(
        "maximum-corrected",
        "mistake",
        "the maximum is corrected",
        "A maximum is not too small at the start and needs no correction. Steps are too short by 1 - beta2**t.",
        "public course code",
        (Replace("learning_rate * m_hat / u", "learning_rate * m_hat / (u / (1 - beta2**t))"),),
        ("adamax",),
    ),
    Variation(
        "maximum-of-signed",
        "mistake",
        "the maximum is taken of the gradient, not of its size",
        "Negative gradients never raise it. Steps against them are without bound.",
        "public course code",
        (Replace("np.abs(g)", "g", within="u"),),
        ("adamax",),
    ),
    Variation(
        "maximum-is-sum",
        "mistake",
        "a sum stands where the maximum belongs",
        "The infinity norm is the larger of the two, not their sum. Steps are too short by far.",
        "public course code",
        (Replace("np.maximum(A, B)", "A + B", within="u"),),
        ("adamax",),
    ),
    Variation(
        "maximum-kept-as-second",
        "mistake",
        "the maximum is kept as the second moment",
        "The average goes on from the maximum instead of from the average. It can never come down.",
        "river#185; optax#1389",
        (Replace("v_max = np.maximum(v_max, v)", "v_max = np.maximum(v_max, v)\nv = v_max"),),
        ("amsgrad",),
    ),
    Variation(
        "looks-ahead-with-same-momentum",
        "mistake",
        "the look-ahead uses this step's momentum",
        "The next step's momentum belongs to the mean, and this step's to the gradient.",
        "public course code",
        (Replace("mu_next", "mu", within="m_hat"),),
        ("nadam",),
    ),
    Variation(
        "surprise-of-old-mean",
        "mistake",
        "the surprise is measured against the mean before this gradient",
        "The mean has to be updated first. Against the old mean every gradient surprises more.",
        "public code",
        (Move("v", before="m"),),
        ("adabelief",),
    ),
    Variation(
        "sign-turned",
        "mistake",
        "the mean square moves away from the new square",
        "The sign of v - g**2 is turned, so that v runs away or falls below zero.",
        "public code",
        (Replace("v = v - X", "v = v + X"),),
        ("yogi",),
    ),
    Variation(
        "lion-betas-swapped",
        "mistake",
        "the two betas of Lion are swapped",
        "It reads with the memory's share and remembers with the step's. Optimisers.jl had it for a long time.",
        "Optimisers.jl",
        (Replace("beta1", "beta0"), Replace("beta2", "beta1"), Replace("beta0", "beta2")),
        ("lion",),
    ),
    Variation(
        "remembers-before-step",
        "mistake",
        "the memory is updated before the step reads it",
        "The step reads a memory that holds this gradient already. The gradient counts twice.",
        "lion-pytorch issues",
        (Move("m", before="c"),),
        ("lion",),
    ),
    Variation(
        "sign-missing",
        "mistake",
        "the sign is missing",
        "The step is the mean itself, not its sign, and scales with the gradient.",
        "public code",
        (Replace("np.sign(X)", "X", within="theta"),),
        ("lion", "signum", "signsgd"),
    ),
    Variation(
        "sign-before-mean",
        "mistake",
        "signs are averaged where the sign of the average belongs",
        "The sign comes last. Signs averaged first give every gradient one vote, whatever its size.",
        "public code",
        (Replace("m = momentum * m + (1 - momentum) * g", "m = momentum * m + (1 - momentum) * np.sign(g)"),),
        ("signum",),
    ),
    Variation(
        "steps-after-turn",
        "mistake",
        "it steps on after the sign has turned",
        "After a change of sign Rprop rests for one step and forgets the gradient. Without it the size shrinks twice.",
        "public code; Rprop+ and Rprop- are other rules",
        (Replace("previous = np.where(agreement < 0, 0 * g, g)", "previous = g"),),
        ("rprop",),
    ),
    Variation(
        "rectified-with-wrong-end",
        "mistake",
        "the rectifier is used where it is not known",
        "Where the length of the average is 5 or less its variance has no value, and the step is momentum alone.",
        "kozistr#305",
        (Replace("known = length > 5", "known = length > 4"),),
        ("radam",),
    ),
    Variation(
        "averages-first",
        "mistake",
        "gradients are averaged before they are scaled",
        "LaProp scales first and averages then. The other order is Adam.",
        "public code",
        (
            Replace("m = beta1 * m + (1 - beta1) * g / (np.sqrt(v_hat) + epsilon)", "m = beta1 * m + (1 - beta1) * g"),
            Replace(
                "theta = theta - learning_rate * m_hat",
                "theta = theta - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon)",
            ),
        ),
        ("laprop",),
    ),
)

VARIATIONS = (*CORRECTION, *MEMORY, *FAMILY)
