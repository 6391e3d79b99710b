"""A digest of 64 bits of many words, as fast as they come from memory: to see that they are what they were.

Each word moves one of four sums by a step that no two words, and no two sums, take to one place, as the rounds of
xxHash do (Collet 2012): a change of any one word changes the digest for sure, any other with a chance of one in 2**64
to go unseen. It is no protection against somebody who wants to be unseen.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba types these functions by the signatures below.

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numba import types

from thalweg.engine.compile import frozen, native

WORDS = frozen(types.Array(types.uint64, 1, "C"))
# Two primes of 64 bits with about as many ones as zeros.
_FIRST, _SECOND = np.uint64(0x9E3779B185EBCA87), np.uint64(0xC2B2AE3D27D4EB4F)
_LEFT, _RIGHT = np.uint64(31), np.uint64(33)


def words(given, start):
    """Return the digest of words (n,) uint64, from that of the words before them on, uint64."""
    a, b, c, d = start, start + _FIRST, start + _SECOND, start ^ _SECOND
    whole = given.size // 4 * 4
    for k in range(0, whole, 4):
        a = a + given[k] * _SECOND
        b = b + given[k + 1] * _SECOND
        c = c + given[k + 2] * _SECOND
        d = d + given[k + 3] * _SECOND
        a = ((a << _LEFT) | (a >> _RIGHT)) * _FIRST
        b = ((b << _LEFT) | (b >> _RIGHT)) * _FIRST
        c = ((c << _LEFT) | (c >> _RIGHT)) * _FIRST
        d = ((d << _LEFT) | (d >> _RIGHT)) * _FIRST
    for k in range(whole, given.size):
        a = a + given[k] * _SECOND
        a = ((a << _LEFT) | (a >> _RIGHT)) * _FIRST
    for lane in (b, c, d):
        a = (a ^ lane) * _SECOND
        a = (a << _LEFT) | (a >> _RIGHT)
    return a + np.uint64(given.size)


@lru_cache(maxsize=1)
def digest() -> Any:
    """Return the compiled function of words and of the digest before them."""
    return native(words, types.uint64(WORDS, types.uint64))
