"""The series of a file or folder with several images, and the choice of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...core.errors import InputError


@dataclass(frozen=True, slots=True)
class Series:
    """One image of several.

    Attributes
    ----------
    key : str
        What chooses it.
    text : str
        Its description in a list, with nothing about the patient.
    """

    key: str
    text: str

    def __str__(self) -> str:
        return f"{self.key} ({self.text})" if self.text else self.key


def place_of(series: Sequence[Series], key: str | None, name: str, default: int | None = 0) -> int:
    """Return the place in a list of the series with a key, or of the default without one.

    Raises
    ------
    InputError
        If there is no such series, or none was chosen where there is no default.
    """
    if key is None and (default is not None or len(series) == 1):
        return default or 0
    keys = [each.key for each in series]
    if key in keys:
        return keys.index(key)
    listed = ", ".join(map(str, series[:12])) + (", ..." if len(series) > 12 else "")
    example = series[0].key
    wrong = f"{name} holds {len(series)} series" if key is None else f"{name} has no series {key!r}"
    choose = f"Choose one with --series {example} (in Python: series={example!r})"
    raise InputError(wrong, hint=f"{choose}: {listed}")
