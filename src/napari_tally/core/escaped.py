"""Text that every terminal and file takes: what cannot be shown is written as an escape."""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from typing import Any


def escaped(text: str) -> str:
    r"""Return text without control characters and without bytes that are not UTF-8.

    Line breaks and tabs stay. Names of files can hold both, and a terminal obeys the first.

    Examples
    --------
    >>> escaped("caf\udce9.tif"), escaped("\x1b[2J")
    ('caf\\xe9.tif', '\\x1b[2J')
    """
    if text.isprintable():
        return text
    with suppress(UnicodeEncodeError):
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if _shown(c) else c.encode("unicode_escape").decode() for c in text)


def all_escaped(value: Any) -> Any:
    """Return plain values with every text in them as `escaped` returns it."""
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, dict):
        return {all_escaped(key): all_escaped(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [all_escaped(each) for each in value]
    return value


def _shown(character: str) -> bool:
    return character.isprintable() or character in "\n\t" or unicodedata.category(character) == "Zs"
