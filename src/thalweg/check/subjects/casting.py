"""Who plays which part: names first, and where they do not say enough, every cast that could be."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, permutations

from thalweg.check.subjects import words
from thalweg.check.subjects.signature import PAIRS, Argument, Signature

MOST = 24
_GIVEN = (words.GRADIENTS, words.LAYER, PAIRS, words.FUNCTION, words.BOTH)


def casts(signature: Signature, *, held: bool = False) -> Iterator[Signature]:
    """Yield the signature with the parts of its arguments, the likeliest cast first.

    Parameters
    ----------
    signature : Signature
        With the parts that names and text give.
    held : bool
        Whether parameters may be held elsewhere, so that no argument need be one.
    """
    plain = _completed(signature)
    given = plain.has(*_GIVEN) or held
    nameless = [a for a in signature.arguments if a.role is None and a.required]
    silent = [a for a in nameless if not (a.use.assigned or a.use.unpacked)]
    missing = [r for r in (words.PARAMETERS, words.GRADIENTS) if not plain.has(r)]
    if silent and len(missing) == 1 and not plain.has(words.LAYER, PAIRS, words.FUNCTION, words.BOTH):
        for a in silent:  # what stands beside the other and has no name that says otherwise
            yield _completed(signature.recast({a.name: missing[0]}))
    if given:
        yield plain
    yield from _recasts(signature, plain)


def _recasts(signature: Signature, plain: Signature) -> Iterator[Signature]:
    """Yield casts that names do not speak for."""
    unsure = [a for a in signature.arguments if _unsure(a)]
    missing = [
        role
        for role in (words.PARAMETERS, words.GRADIENTS)
        if not plain.has(role) and not plain.has(words.LAYER, PAIRS, words.FUNCTION, words.BOTH)
    ]
    for chosen in islice(permutations(unsure, len(missing)) if missing else (), MOST):
        yield _completed(signature.recast({a.name: role for a, role in zip(chosen, missing, strict=True)}))
    if words.GRADIENTS in missing and words.PARAMETERS in missing:
        for a in unsure:  # the parameters may be elsewhere
            yield _completed(signature.recast({a.name: words.GRADIENTS}))
    params, slopes = plain.having(words.PARAMETERS), plain.having(words.GRADIENTS)
    if len(params) == 1 and len(slopes) == 1:
        yield plain.recast({params[0].name: words.GRADIENTS, slopes[0].name: words.PARAMETERS})
    elif not missing and len(unsure) >= 2:
        roles = (words.PARAMETERS, words.GRADIENTS)
        for chosen in islice(permutations(unsure, 2), MOST):
            yield _completed(signature.recast({a.name: role for a, role in zip(chosen, roles, strict=True)}))


def blind_casts(signature: Signature) -> Iterator[Signature]:
    """Yield every way to choose parameters and gradient among the arguments, whatever they are called.

    Others are memory where the text writes to them, and what they were where their names are plain.
    """
    aside = (words.KEY, words.SIZE, words.CONFIG)
    required = [a for a in signature.arguments if a.required and a.role not in aside and not a.use.unpacked]
    returned = {name for names in signature.anatomy.returned for name in names}
    pairs = sorted(permutations(required, 2), key=lambda pair: pair[1].use.assigned or pair[1].name in returned)
    for p, g in islice(pairs, MOST):  # a gradient is seldom written to, or given back
        roles: dict[str, str | None] = {
            a.name: None for a in required if a.role in (words.PARAMETERS, words.GRADIENTS, words.LAYER)
        }
        roles |= {p.name: words.PARAMETERS, g.name: words.GRADIENTS}
        yield _completed(signature.recast(roles))


def _unsure(argument: Argument) -> bool:
    """Whether an argument may play another part than its name says."""
    if not argument.required:
        return False
    return argument.role is None or (
        len(argument.name) <= 2 and argument.role in (words.COUNT, words.MEMORY, words.PARAMETERS, words.GRADIENTS)
    )


def _completed(signature: Signature) -> Signature:
    """Give the arguments that say nothing a part: memory where they are written to, numbers otherwise."""
    returned = {name for names in signature.anatomy.returned for name in names}
    roles: dict[str, str] = {}
    rate = signature.has(words.RATE)
    for a in signature.arguments:
        if a.role is not None or not a.required:
            continue
        use = a.use
        if use.assigned or use.indexed or use.walked or use.keys or use.mapped or use.unpacked or a.name in returned:
            roles[a.name] = words.MEMORY
        elif use.attributes:
            continue
        else:
            roles[a.name] = words.SHARE if rate else words.RATE
            rate = True
    return signature.recast(roles) if roles else signature
