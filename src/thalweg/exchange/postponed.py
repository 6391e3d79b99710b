"""Imports of what others import and do not use: they wait until something is asked of them.

pandas is a fifth of the time of a small comparison, for one name that scikit-learn looks up.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, final


@final
class _Postponed(ModuleType):
    """Stands for a module in the names of those who imported it, and asks it when it is asked."""

    def __getattr__(self, name: str) -> Any:
        _restore(self)
        return getattr(import_module(self.__name__), name)


def _restore(stand_in: ModuleType) -> None:
    if sys.modules.get(stand_in.__name__) is stand_in:
        del sys.modules[stand_in.__name__]


@contextmanager
def postponed(*names: str) -> Iterator[None]:
    """Let imports of these modules succeed without loading them, unless they are loaded or not installed.

    Whoever imports one meanwhile holds a stand-in, which loads the module when it is first used. Afterwards the modules
    are as if nobody had imported them: the next import finds the real ones.
    """
    waiting = [_Postponed(name) for name in names if name not in sys.modules and find_spec(name) is not None]
    sys.modules.update((stand_in.__name__, stand_in) for stand_in in waiting)
    try:
        yield
    finally:
        for stand_in in waiting:
            _restore(stand_in)
