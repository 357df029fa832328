"""How objects of a pybind11 module behave: enums, read-only fields, checked arguments.

Facts: pybind11 2.10 (HailoRT 4.x) and 2.13 (5.x), ``enum_base`` and the casters for numbers.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from hailo_platform._profile import PROFILE

T = TypeVar("T")

UINT8_MAX = 2**8 - 1
UINT16_MAX = 2**16 - 1
UINT32_MAX = 2**32 - 1


class NativeObject:
    """What all classes of the compiled module have in common: no dictionary, no constructor unless they say so."""

    __slots__ = ("__weakref__",)

    def __init__(self) -> None:
        message = f"{type(self).__module__}.{type(self).__qualname__}: No constructor defined!"
        raise TypeError(message)

    if PROFILE.unified_errors:

        def _pybind11_conduit_v1_(self, *_args: object) -> None:
            """Hand the C++ object to another extension module: there is none here."""


class _Members:
    def __init__(self, members: Mapping[str, Enumeration]) -> None:
        self._members = members

    def __get__(self, instance: object, owner: type | None = None) -> dict[str, Enumeration]:
        return dict(self._members)


class _EnumerationType(type):
    if TYPE_CHECKING:

        def __getattr__(cls, name: str) -> Enumeration: ...


class Enumeration(NativeObject, metaclass=_EnumerationType):
    """A C enum: compares equal to its number and to any other enum with that number."""

    __slots__ = ("__number__",)
    __names__: dict[int, str] = {}

    def __init__(self, value: int) -> None:
        self.__number__ = operator.index(value)

    @property
    def name(self) -> str:
        """The member's name, ``???`` for a number without one."""
        return self.__names__.get(self.__number__, "???")

    @property
    def value(self) -> int:
        """The member's number."""
        return self.__number__

    def __int__(self) -> int:
        return self.__number__

    __index__ = __int__

    def __hash__(self) -> int:
        return hash(self.__number__)

    def __eq__(self, other: object) -> bool:
        return bool(self.__number__ == (other.__number__ if isinstance(other, Enumeration) else other))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}.{self.name}: {self.__number__}>"

    def __str__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

    def __reduce__(self) -> tuple[Callable[[int], Enumeration], tuple[int]]:
        return type(self), (self.__number__,)


class Flags(Enumeration):
    """A C enum that also calculates, always giving plain integers."""

    __slots__ = ()

    def __and__(self, other: int) -> int:
        return self.__number__ & int(other)

    def __or__(self, other: int) -> int:
        return self.__number__ | int(other)

    def __xor__(self, other: int) -> int:
        return self.__number__ ^ int(other)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __invert__(self) -> int:
        return ~self.__number__

    def __lt__(self, other: int) -> bool:
        return self.__number__ < int(other)

    def __gt__(self, other: int) -> bool:
        return self.__number__ > int(other)

    def __le__(self, other: int) -> bool:
        return self.__number__ <= int(other)

    def __ge__(self, other: int) -> bool:
        return self.__number__ >= int(other)


def enumeration(name: str, **members: int) -> type[Enumeration]:
    """A new enum class; ``members`` in the order in which ``__members__`` lists them."""
    return _make_enumeration(name, Enumeration, members)


def flags(name: str, **members: int) -> type[Enumeration]:
    """The same, for an enum that also calculates."""
    return _make_enumeration(name, Flags, members)


def _make_enumeration(name: str, base: type[Enumeration], members: Mapping[str, int]) -> type[Enumeration]:
    names = {value: member for member, value in members.items()}
    made: Any = _EnumerationType(name, (base,), {"__slots__": (), "__names__": names})
    entries = {member: made(value) for member, value in members.items()}
    for member, entry in entries.items():
        setattr(made, member, entry)
    made.__members__ = _Members(entries)
    return cast(type[Enumeration], made)


class readonly(property):
    """A field without a setter, whose error text names the class alone, as for compiled code."""

    def __set_name__(self, owner: type, name: str) -> None:
        pass


def field(name: str) -> Any:
    """A read-only view of the slot ``_name``."""
    return readonly(operator.attrgetter(f"_{name}"))


def checked(name: str, check: Callable[[Any], object]) -> Any:
    """A view of the slot ``_name`` that lets ``check`` look at what is assigned."""
    slot = f"_{name}"

    def assign(self: object, value: object) -> None:
        setattr(self, slot, check(value))

    return property(operator.attrgetter(slot), assign)


def mismatch(wanted: str, value: object) -> TypeError:
    """The refusal of an argument of a wrong type."""
    return TypeError(
        "(): incompatible function arguments. The following argument types are supported:\n"
        f"    1. (arg0: {wanted}) -> None\n\nInvoked with: {value!r}"
    )


def unsigned(maximum: int) -> Callable[[Any], int]:
    """A check that takes whole numbers in ``0..maximum``, numpy's too, and refuses floats."""

    def check(value: Any) -> int:
        try:
            number = operator.index(value)
        except TypeError:
            raise mismatch("int", value) from None
        if not 0 <= number <= maximum:
            raise mismatch("int", value)
        return number

    return check


uint8, uint16, uint32 = unsigned(UINT8_MAX), unsigned(UINT16_MAX), unsigned(UINT32_MAX)


def real(value: Any) -> float:
    """A check that takes anything with ``__float__``."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise mismatch("float", value) from None


def instance_of(kind: type[T]) -> Callable[[Any], T]:
    """A check that takes objects of one class."""

    def check(value: Any) -> T:
        if isinstance(value, kind):
            return value
        wanted = f"{kind.__module__}.{kind.__qualname__}"
        raise mismatch(wanted, value)

    return check


text = instance_of(str)
