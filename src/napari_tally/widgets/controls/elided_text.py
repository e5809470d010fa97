"""Long names, shortened so that they do not widen a dock."""

from __future__ import annotations

import re

FIELD, ROW = 20, 32  # letters that a field and a whole row of a dock have room for


def elided(text: str, letters: int = FIELD) -> str:
    """Return text with its middle elided if it is too long: names differ at their ends.

    Examples
    --------
    >>> elided("experiment_2024_plate7_A03_t000.ome.tif", 20)
    'experiment…0.ome.tif'
    """
    if len(text) <= letters:
        return text
    start = letters // 2
    return f"{text[:start]}…{text[start + 1 - letters :]}"


def elided_words(text: str) -> str:
    """Return text with words longer than a row elided, such as file names."""
    return re.sub(rf"\S{{{ROW + 1},}}", lambda word: elided(word[0], ROW), text)
