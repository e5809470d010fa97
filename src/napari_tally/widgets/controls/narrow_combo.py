"""Combo boxes that leave room for the viewer."""

from __future__ import annotations

from typing import TypeVar

from qtpy.QtWidgets import QComboBox

C = TypeVar("C", bound=QComboBox)


def narrowed(combo: C, letters: int) -> C:
    """Return a combo box that can shrink to a few letters, however long its entries."""
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(letters)
    return combo
