"""Formulas with one mistake each, and the answer that their author is to get."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """A module with one mistake, on the line that ends in ``# <-``."""

    name: str
    code: str
    says: str
    text: str

    def __str__(self) -> str:
        return self.name


def in_rule(name: str, code: str, says: str, body: str, before: str = "") -> Mistake:
    """A mistake in the body of a rule: on the line marked, else on the last of ``body``."""
    lines = (body if "# <-" in body else f"{body}  # <-").split("\n")
    if not lines[-1].startswith("return"):
        lines.append("return theta - learning_rate * g, m")
    definition = "@rule\ndef mine(theta, g, t, m, *, learning_rate=0.1):\n    '''A rule.'''\n"
    return Mistake(name, code, says, before + definition + textwrap.indent("\n".join(lines), "    "))


HALF = "def half(x, by=2):\n    return x / by\n\n"
PAIR = "def pair(x):\n    return x, x\n\n"

IN_RULES = [
    # one truth value for all coordinates
    in_rule("if", "FORMULA-BRANCH", "np.where", "if g > 0:  # <-\n    m = g"),
    in_rule("if of a scalar", "FORMULA-BRANCH", "a if condition else b", "if t > 5:  # <-\n    m = g"),
    in_rule("conditional", "FORMULA-BRANCH", "np.where", "m = g if g > 0 else m"),
    in_rule("and", "FORMULA-BRANCH", "&", "m = np.where((g > 0) and (m > 0), g, m)"),
    in_rule("or", "FORMULA-BRANCH", "|", "m = np.where((g > 0) or (m > 0), g, m)"),
    in_rule("not", "FORMULA-BRANCH", "~", "m = np.where(not (g > 0), g, m)"),
    in_rule("chain", "FORMULA-BRANCH", "&", "m = np.where(0 < g < 1, g, m)"),
    in_rule("max", "FORMULA-BRANCH", "np.maximum", "m = max(g, 0)"),
    in_rule("min", "FORMULA-BRANCH", "np.minimum", "m = min(g, 0)"),
    in_rule("math of an array", "FORMULA-BRANCH", "np.sqrt", "m = math.sqrt(m)"),
    # loops and writing
    in_rule("for", "FORMULA-LOOP", "loops", "for k in (1, 2):  # <-\n    m = m + g"),
    in_rule("while", "FORMULA-LOOP", "loops", "while t > 1:  # <-\n    m = m + g"),
    in_rule("in place", "FORMULA-IN-PLACE", "m = m * ...", "m *= 0.9"),
    in_rule("in place plus", "FORMULA-IN-PLACE", "m = m + ...", "m += g"),
    in_rule("write to an entry", "FORMULA-SYNTAX", "plain names", "m[0] = 1.0"),
    in_rule("out", "FORMULA-ARITY", "np.sqrt takes 1 argument, got 2", "m = np.sqrt(g, theta)"),
    in_rule("out by name", "FORMULA-SYNTAX", "positional", "m = np.sqrt(g, out=theta)"),
    # names
    in_rule("unknown name", "FORMULA-NAME", "'lr'", "m = lr * g"),
    in_rule("built-in", "FORMULA-NAME", "built-in", "print(g)"),
    in_rule("unknown function", "FORMULA-NAME", "np.clip", "m = np.clip(g, -1, 1)"),
    in_rule("clip", "FORMULA-NAME", "np.minimum(np.maximum(x, low), high)", "m = np.clip(g, -1, 1)"),
    in_rule("clip by name", "FORMULA-NAME", "np.minimum(np.maximum(", "m = np.clip(g, a_min=-1, a_max=1)"),
    in_rule("bare root", "FORMULA-NAME", "Write np.sqrt.", "m = sqrt(g)"),
    in_rule("bare root of NumPy", "FORMULA-NAME", "Write np.sqrt.", "m = sqrt(g)", before="from numpy import sqrt\n\n"),
    in_rule("bare root of math", "FORMULA-NAME", "Write np.sqrt.", "m = sqrt(g)", before="from math import sqrt\n\n"),
    in_rule("bare where", "FORMULA-NAME", "np.where", "m = where(g > 0, g, m)", before="from numpy import where\n\n"),
    in_rule("bare clip", "FORMULA-NAME", "np.minimum(", "m = clip(g, -1, 1)", before="from numpy import clip\n\n"),
    in_rule("misspelt function", "FORMULA-NAME", "did you mean np.sqrt", "m = np.sqr(g)"),
    in_rule("unknown function of math", "FORMULA-NAME", "math.gamma", "m = g * math.gamma(t)"),
    in_rule("unknown constant", "FORMULA-NAME", "np.newaxis", "m = g * np.newaxis"),
    in_rule("method", "FORMULA-NAME", "g.sum", "m = m / g.sum()"),
    in_rule("deep module", "FORMULA-NAME", "np.linalg.norm", "m = m / np.linalg.norm(g)"),
    in_rule("another module", "FORMULA-NAME", "'os' is a module", "m = m + os.getpid()", before="import os\n\n"),
    in_rule("array from outside", "FORMULA-NAME", "'W' is a ndarray", "m = W * g", before="W = np.ones(3)\n\n"),
    in_rule("used too early", "FORMULA-NAME", "before it has a value", "m = later + g  # <-\nlater = g"),
    in_rule("another value for a hyperparameter", "FORMULA-NAME-CLASH", "learning_rate_t", "learning_rate = 0.5"),
    in_rule("another value for t", "FORMULA-NAME-CLASH", "t_t", "t = t + 1"),
    in_rule("another value for a scalar", "FORMULA-NAME-CLASH", "rate_t", "rate = learning_rate\nrate = rate / 2"),
    in_rule("scalar for an array", "FORMULA-NAME-CLASH", "'m'", "m = learning_rate"),
    in_rule("hyperparameter in a swap", "FORMULA-NAME-CLASH", "'t'", "m, t = g, m"),
    # what is not written in a formula
    in_rule("import", "FORMULA-SYNTAX", "Import", "import os"),
    in_rule("index", "FORMULA-SYNTAX", "g[0]", "m = m + g[0]"),
    in_rule("attribute", "FORMULA-SYNTAX", "g.size", "m = m / g.size"),
    in_rule("lambda", "FORMULA-SYNTAX", "Lambda", "m = lambda: 0"),
    in_rule("list", "FORMULA-SYNTAX", "List", "m = [g, m]"),
    in_rule("comprehension", "FORMULA-SYNTAX", "ListComp", "m = [k for k in (1, 2)]"),
    in_rule("walrus", "FORMULA-SYNTAX", "NamedExpr", "m = (k := g) + k"),
    in_rule("string", "FORMULA-SYNTAX", "Constant", "m = g * 'a'"),
    in_rule("f-string", "FORMULA-SYNTAX", "JoinedStr", "m = f'{g}'"),
    in_rule("complex", "FORMULA-SYNTAX", "Constant", "m = g * 1j"),
    in_rule("matrix product", "FORMULA-SYNTAX", "@", "m = g @ m"),
    in_rule("floor division", "FORMULA-SYNTAX", "math.floor(a / b)", "m = g // 2"),
    in_rule("remainder", "FORMULA-SYNTAX", "a - b * math.floor(a / b)", "m = g % 2"),
    in_rule("is", "FORMULA-SYNTAX", "compare numbers", "m = np.where(g is m, g, m)"),
    in_rule("annotated", "FORMULA-SYNTAX", "AnnAssign", "m: float = g"),
    in_rule("two targets", "FORMULA-SYNTAX", "Assign", "m = k = g"),
    in_rule("uneven swap", "FORMULA-SYNTAX", "as many values", "m, k = g, m, g"),
    in_rule("unpacked call", "FORMULA-SYNTAX", "half(g)", "m, k = half(g)", before=HALF),
    in_rule("inner function", "FORMULA-SYNTAX", "FunctionDef", "def inner():  # <-\n    return g"),
    in_rule("try", "FORMULA-SYNTAX", "Try", "try:  # <-\n    m = g\nfinally:\n    m = g"),
    # conditions
    in_rule("and of numbers", "FORMULA-CONDITION", "&", "k = learning_rate & 1"),
    in_rule("or of arrays of numbers", "FORMULA-CONDITION", "|", "m = np.where(g | m, g, m)"),
    in_rule("not of a truth value", "FORMULA-CONDITION", "~True is -2", "m = g if ~(t > 5) else m"),
    in_rule("sum of conditions", "FORMULA-CONDITION", "g > 0", "m = m * ((g > 0) + (m > 0))"),
    in_rule("minus a condition", "FORMULA-CONDITION", "np.where", "m = m * (1 - (g > 0))"),
    in_rule("condition by name", "FORMULA-CONDITION", "up", "up = g > 0\nm = m + up"),
    in_rule("product of conditions", "FORMULA-CONDITION", "&", "m = np.where((g > 0) * (m > 0), g, m)"),
    in_rule("root of a condition", "FORMULA-CONDITION", "g > 0", "m = m * np.sqrt(g > 0)"),
    in_rule("condition or number", "FORMULA-CONDITION", "between", "m = np.where(g > 0, m > 0, g)"),
    # float32
    in_rule("root of a scalar", "FORMULA-WIDENS", "** 0.5", "m = m / np.sqrt(learning_rate)"),
    in_rule("choice of scalars", "FORMULA-WIDENS", "np.where", "m = m * np.where(g > 0, 1.0, 0.5)"),
    in_rule("truth times number", "FORMULA-WIDENS", "'m' becomes float64", "m = learning_rate * (g > 0)"),
    in_rule("truth returned", "FORMULA-WIDENS", "value 2 becomes bool", "return theta - learning_rate * g, g > 0"),
    # arity
    in_rule("too few", "FORMULA-ARITY", "np.maximum takes 2 arguments, got 1", "m = np.maximum(g)"),
    in_rule("too many", "FORMULA-ARITY", "np.where takes 3 arguments, got 4", "m = np.where(g > 0, g, m, g)"),
    in_rule("of math", "FORMULA-ARITY", "math.log takes 1 argument, got 2", "m = g * math.log(t, 2)"),
    in_rule("of max", "FORMULA-ARITY", "max takes 2 or more arguments", "m = g * max(t)"),
    in_rule("key of max", "FORMULA-SYNTAX", "positional", "m = g * max(t, learning_rate, key=abs)"),
    in_rule("starred", "FORMULA-SYNTAX", "positional", "m = np.maximum(*g)"),
    # returned values
    in_rule("one value short", "RULE-ARITY", "1 value is returned, expected 2: theta, m", "return theta - g"),
    in_rule("one value too many", "RULE-ARITY", "3 values are returned, expected 2", "return theta, m, g"),
    in_rule("bare return", "FORMULA-RETURN", "ends with return", "return"),
    in_rule("early return", "FORMULA-RETURN", "at its end", "return theta, m  # <-\nreturn theta, g"),
    in_rule("list returned", "FORMULA-SYNTAX", "List", "return [theta, m]"),
    in_rule("scalar returned", "FORMULA-SHAPE", "value 2 is float 0.1", "return theta - g, learning_rate"),
    in_rule("fails on arrays", "FORMULA-FAILS", "math domain error", "m = g * math.log(-learning_rate)"),
    # helpers
    in_rule("two values of a helper", "FORMULA-SYNTAX", "pair gives 2 values", "m = pair(g)", before=PAIR),
    in_rule("argument missing", "FORMULA-SYNTAX", "'x'", "m = half()", before=HALF),
    in_rule("argument unknown", "FORMULA-SYNTAX", "over", "m = half(g, over=3)", before=HALF),
    in_rule("argument too many", "FORMULA-SYNTAX", "half: too many", "m = half(g, 2, 3)", before=HALF),
    in_rule("stars to a helper", "FORMULA-SYNTAX", "without stars", "m = half(*g)", before=HALF),
]

USES = "@rule\ndef mine(theta, g, t):\n    return theta - helper(g)"
SLOT = "def mine(theta, g, t, m):  # <-\n    return theta, m"

IN_HELPERS = [
    Mistake(
        "if",
        "FORMULA-BRANCH",
        "in helper",
        f"def helper(x):\n    if x > 0:  # <-\n        x = 0\n    return x\n\n{USES}",
    ),
    Mistake("stars", "FORMULA-SYNTAX", "without stars", f"def helper(*x):  # <-\n    return 1.0\n\n{USES}"),
    Mistake("calls itself", "FORMULA-LOOP", "itself", f"def helper(x):\n    return helper(x / 2)  # <-\n\n{USES}"),
    Mistake("default", "FORMULA-SYNTAX", "'by' is a str", f"def helper(x, by='2'):  # <-\n    return x\n\n{USES}"),
    Mistake("unknown name", "FORMULA-NAME", "'y'", f"def helper(x):\n    return x + y  # <-\n\n{USES}"),
]

DECLARED = [
    Mistake("no return", "FORMULA-RETURN", "ends with return", "@rule\ndef mine(theta, g, t):\n    a = g  # <-"),
    Mistake("only words", "FORMULA-RETURN", "ends with", "@rule\ndef mine(theta, g, t):  # <-\n    '''Only words.'''"),
    Mistake("names of a rule", "RULE-SIGNATURE", "(theta, g, t)", "@rule\ndef mine(w, grad, t):  # <-\n    return w"),
    Mistake("order of a rule", "RULE-SIGNATURE", "(g, theta, t)", "@rule\ndef mine(g, theta, t):  # <-\n    return g"),
    Mistake("stars of a rule", "RULE-SIGNATURE", "memory", "@rule\ndef mine(theta, g, t, *m):  # <-\n    return theta"),
    Mistake("no default", "FORMULA-SIGNATURE", "'r'", "@rule\ndef mine(theta, g, t, *, r):  # <-\n    return g"),
    Mistake("start of no slot", "RULE-STARTS", "'v' is not a slot", f'@rule(starts={{"v": 1.0}})\n{SLOT}'),
    Mistake("start unknown", "RULE-STARTS", "'first'", f'@rule(starts={{"m": "first"}})\n{SLOT}'),
    Mistake("start by an argument", "RULE-STARTS", "'g'", f'@rule(starts={{"m": "g"}})\n{SLOT}'),
    Mistake("start not finite", "RULE-STARTS", "nan", f'@rule(starts={{"m": math.nan}})\n{SLOT}'),
    Mistake("start no number", "RULE-STARTS", "[0]", f'@rule(starts={{"m": [0]}})\n{SLOT}'),
    Mistake("range of no one", "FORMULA-RANGE", "'nu'", f'@rule(ranges={{"nu": "[0, 1]"}})\n{SLOT}'),
    Mistake("range unreadable", "FORMULA-RANGE", "[0, 1)", f'@rule(ranges={{"m": "0 to 1"}})\n{SLOT}'),
    Mistake("range reversed", "FORMULA-RANGE", "[1, 0]", f'@rule(ranges={{"m": "[1, 0]"}})\n{SLOT}'),
    Mistake("loss of one argument", "FORMULA-SIGNATURE", "(y, z)", "@loss\ndef mine(z):  # <-\n    return z, z"),
    Mistake("loss of one value", "FORMULA-ARITY", "1 value is", "@loss\ndef mine(y, z):\n    return z - y  # <-"),
    Mistake("target", "LOSS-TARGET", "count", '@loss(target="integer")\ndef mine(y, z):  # <-\n    return z, z'),
    Mistake("link", "LOSS-LINK", "logistic", '@loss(inverse_link="probit")\ndef mine(y, z):  # <-\n    return z, z'),
    Mistake("penalty of two", "FORMULA-SIGNATURE", "(w)", "@penalty\ndef mine(w, v):  # <-\n    return w, w"),
    Mistake("penalty of three values", "FORMULA-ARITY", "3 values", "@penalty\ndef mine(w):\n    return w, w, w  # <-"),
    Mistake(
        "proximal step of other numbers",
        "PENALTY-PROXIMAL",
        "alpha",
        "@penalty\ndef mine(w, *, alpha=1.0):\n    return w * w / 2, w\n\n@mine.proximal\n"
        "def prox(w, step, *, beta):  # <-\n    return w * beta",
    ),
    Mistake(
        "activation with if",
        "FORMULA-BRANCH",
        "np.where",
        "@activation\ndef mine(z):\n    if z > 0:  # <-\n        z = 0\n    return z, z",
    ),
    *(
        Mistake(f"derivative: {name}", "GRAD-MISMATCH", says, f"{head}\n    return {returned}  # <-")
        for name, says, head, returned in [
            ("of half the loss", "z = -2.83", "@loss\ndef mine(y, z):", "(z - y) ** 2, z - y"),
            ("of the other argument", "in z;", "@loss\ndef mine(y, z):", "(z - y) ** 2 / 2, y - z"),
            ("without the truth", "derivative is written", "@loss\ndef mine(y, z):", "(z - y) ** 2 / 2, z"),
            ("on one side", "expected 0.2", "@activation\ndef mine(z):", "np.maximum(z, 0.2 * z), np.sign(z * z)"),
            ("of one class", "y = 1", '@loss(target="binary")\ndef mine(y, z):', "z * (1 - 2 * y), 1 - y + 0 * z"),
            ("without alpha", "w = ", "@penalty\ndef mine(w, *, alpha=1e-6):", "alpha * w * w / 2, w"),
            ("of a count", "y = 3", '@loss(target="count")\ndef mine(y, z):', "np.exp(z) - y * z, np.exp(z)"),
        ]
    ),
    Mistake("schedule with if", "SCHEDULE-FAILS", "if", "@schedule\ndef mine(t):  # <-\n    return 1 if t < 5 else 0"),
    Mistake("schedule not finite", "SCHEDULE-FINITE", "inf", "@schedule\ndef mine(t):  # <-\n    return 1 / (t - 0.5)"),
]  # fmt: skip
