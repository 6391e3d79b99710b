"""Mistakes with moments and their correction, which Adam and its family share."""

from __future__ import annotations

from thalweg.check.catalogue.edits import First, Last, Replace
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
        ("adam", "adamw", "amsgrad", "adabelief", "yogi", "nadam", "radam", "adamax"),
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

VARIATIONS = (*CORRECTION, *MEMORY)
