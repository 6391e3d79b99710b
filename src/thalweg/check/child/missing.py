"""Modules that are not there, or would only cost time: stand-ins, so that the rest of a file can be defined."""

from __future__ import annotations

import importlib
import sys
from types import FunctionType, ModuleType
from typing import Any, final

POSTPONED = frozenset(
    "IPython PIL bokeh cv2 h5py imageio matplotlib mpl_toolkits nltk pandas plotly pylab requests seaborn skimage "
    "sklearn statsmodels tensorflow_datasets torchvision tqdm".split()
)
"""Packages for pictures and data, with which no update rule computes: imported when something is asked of them."""


@final
class MissingModule(ModuleType):
    """A module that cannot be imported: its names can be imported and inherited from; to use one is an error.

    Examples
    --------
    >>> keras = MissingModule("keras", "keras is not installed")
    >>> class Net(keras.Model):
    ...     pass
    >>> keras.backend.sqrt(2)
    Traceback (most recent call last):
    ModuleNotFoundError: keras is not installed
    """

    def __init__(self, name: str, why: str) -> None:
        super().__init__(name)
        self.__path__: list[str] = []  # of a package, so that submodules can be asked for
        self.__dict__["_why"] = why

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return MissingName(f"{self.__name__}.{name}", self.__dict__["_why"])


@final
class MissingName:
    """Something out of a module that cannot be imported.

    As a decorator it leaves the function as it is, as a base class it has nothing to give; anything else is an error.
    """

    def __init__(self, name: str, why: str) -> None:
        self._name, self._why = name, why

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return MissingName(f"{self._name}.{name}", self._why)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        why = self._why

        class Missing:
            def __init__(self, *given: Any, **named: Any) -> None:
                if given or named:  # what it would do with them is not known
                    raise ModuleNotFoundError(why)

        return (Missing,)

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Return a function or class that is decorated; anything else is an error."""
        if len(given) == 1 and isinstance(given[0], FunctionType | type) and not named:
            return given[0]
        if not given:
            return self  # a decorator with settings, perhaps
        raise ModuleNotFoundError(self._why)

    def _used(self, *_: Any) -> Any:
        raise ModuleNotFoundError(self._why)

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = _used
    __rpow__ = __neg__ = __iter__ = __getitem__ = __len__ = __bool__ = __float__ = __enter__ = __matmul__ = _used


@final
class Postponed:
    """A name out of a package that is imported when something is asked of it.

    Examples
    --------
    >>> loads = Postponed("json", "loads")
    >>> loads("[1]")
    [1]
    """

    def __init__(self, module: str, name: str | None = None) -> None:
        self.__dict__["_place"] = module, name

    def _real(self) -> Any:
        module, name = self.__dict__["_place"]
        found: Any = importlib.import_module(module)
        if name is None:
            return found
        try:
            return getattr(found, name)
        except AttributeError:
            return importlib.import_module(f"{module}.{name}")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__version__":
            raise AttributeError(name)
        return getattr(self._real(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._real(), name, value)

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Import it and call it."""
        return self._real()(*given, **named)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return (self._real(),)

    def __getitem__(self, key: Any) -> Any:
        return self._real()[key]


def postponed(name: str) -> bool:
    """Whether a module is of a package that is imported only when it is needed."""
    return name.partition(".")[0] in POSTPONED and name not in sys.modules
