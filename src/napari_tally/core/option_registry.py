"""Registries of option classes by name: heads, architectures, ..."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

from .errors import unknown_name
from .options import Options

T = TypeVar("T", bound=Options)


class Registry(Generic[T]):
    """Option classes by the default of their field `name`.

    A new member is one class and one line where the registry is filled. Fields accept a member as
    a name, a dict (JSON) or an instance::

        AnyHead = Annotated[SerializeAsAny[Head], BeforeValidator(HEADS.validate)]

    Parameters
    ----------
    noun : str
        What a member is called in messages: "head".
    members : iterable of classes
        In the order in which they are offered.
    """

    def __init__(self, noun: str, members: Iterable[type[T]] = ()) -> None:
        self.noun = noun
        self._members: dict[str, type[T]] = {}
        for member in members:
            self.register(member)

    def register(self, member: type[T]) -> type[T]:
        """Add a class, or replace the one of the same name; also a decorator."""
        self._members[str(member.model_fields["name"].default)] = member
        return member

    def remove(self, name: str) -> None:
        """Remove a class."""
        del self._members[name]

    def __getitem__(self, name: str) -> type[T]:
        """Return the class of that name.

        Raises
        ------
        InputError
            If there is none; the error suggests the nearest name.
        """
        if name not in self._members:
            raise unknown_name(self.noun, name, self._members)
        return self._members[name]

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def validate(self, value: Any) -> Any:
        """Return the member that a name, a dict with a name, or an instance stands for."""
        if isinstance(value, str):
            return self[value]()
        if isinstance(value, dict):
            return self[str(value.get("name", ""))].model_validate(value)
        return value
