"""A value that an object computes when it is first asked for, and then keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Self, TypeVar, overload

T = TypeVar("T")


class Once(Generic[T]):
    """`functools.cached_property` without a lock.

    Until Python 3.12 that one holds a lock of the whole class while any instance computes: no two threads could read
    two questions at the same time. Two threads that ask one object at once compute the same value twice.
    """

    def __init__(self, compute: Callable[..., T]) -> None:
        self._compute = compute
        self._name = ""
        self.__doc__ = compute.__doc__

    def __set_name__(self, _owner: type, name: str) -> None:
        """Keep the value under the property's own name, which then hides this descriptor."""
        self._name = name

    @overload
    def __get__(self, held: None, owner: type) -> Self: ...
    @overload
    def __get__(self, held: object, owner: type) -> T: ...
    def __get__(self, held: object, owner: type) -> Self | T:
        """Compute and keep."""
        if held is None:
            return self
        value = held.__dict__[self._name] = self._compute(held)
        return value
