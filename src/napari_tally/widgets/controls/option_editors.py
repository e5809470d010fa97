"""magicgui editors for fields of options."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from magicgui.widgets import CheckBox, FloatSpinBox, LineEdit, SpinBox
from qtpy.QtWidgets import QSizePolicy

from ...core.checked_options import is_nested
from ...core.options import OptionField, Options, option_fields
from .choice import Choice

if TYPE_CHECKING:
    from magicgui.widgets.bases import ValueWidget

_MOST = 10**9  # what a spin box takes where a number has no upper limit
_TIP_LETTERS = 60


def offered(model: type[Options]) -> Iterator[tuple[str, OptionField]]:
    """Yield the fields of options that a form shows, by their path: "tta", "tiling.tile".

    Options within options are shown as their fields, folded away if they are. Hidden fields and
    tables of values (`dict`) have no row.
    """
    for field in option_fields(model):
        if field.offer.hidden or field.type is dict:
            continue
        if not is_nested(field):
            yield field.name, field
            continue
        for path, inner in offered(field.type):
            if not field.offer.only or path in field.offer.only:
                folded = field.offer.advanced or inner.offer.advanced
                offer = replace(inner.offer, advanced=folded)
                yield f"{field.name}.{path}", replace(inner, offer=offer)


def editor(path: str, field: OptionField, unset: str) -> ValueWidget[Any]:
    """Return the widget that edits a field, at the field's default.

    Parameters
    ----------
    unset : str
        What an empty field shows, whose default is None.
    """
    common: dict[str, Any] = {"name": path, "label": field.label, "tooltip": tip(field)}
    empty = field.required or field.default is None
    if field.choices and not field.many:
        return _choice(field, unset if empty else "", common)
    if field.type is bool:
        return CheckBox(value=bool(field.default), **common)
    if not empty and not field.many and field.type in (int, float):
        return _spin_box(field, common)
    line = LineEdit(value=text_of(field.default), **common)
    line.native.setPlaceholderText(unset if empty else "")
    return line


def tip(field: OptionField) -> str:
    """Return a tooltip with the description and limits of a field, in short lines."""
    limits = f"{field.limits[:1].upper()}{field.limits[1:]}." if field.limits else ""
    return textwrap.fill(f"{field.description} {limits}".strip(), _TIP_LETTERS)


def text_of(value: Any) -> str:
    """Return a value as text: sequences with commas, None as an empty text."""
    if isinstance(value, tuple | list):
        return ", ".join(map(text_of, value))
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _choice(field: OptionField, none: str, common: dict[str, Any]) -> Choice:
    number = field.type if field.type in (int, float) else None
    pairs = [(text, number(text) if number else text) for text in field.choices]
    choice = Choice(pairs, none=none, **common)
    if not none:
        choice.value = name_of(field.default)
    return choice


def name_of(value: Any) -> Any:
    """Return the name of a member of a registry, other values as they are."""
    return getattr(value, "name", value) if isinstance(value, Options) else value


def _spin_box(field: OptionField, common: dict[str, Any]) -> ValueWidget[Any]:
    """Return a spin box with the limits of a field."""
    whole = field.type is int
    step = 1.0 if whole else 10.0 ** min(-1, math.floor(math.log10(abs(field.default) or 1)))
    low = -_MOST if field.low is None else field.low + step * field.open_low
    high = _MOST if field.high is None else field.high - step * field.open_high
    kind = SpinBox if whole else FloatSpinBox
    box = kind(min=low, max=high, step=int(step) if whole else step, **common)
    box.value = field.default
    # Its hint of a width is that of its largest number.
    box.native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return box
