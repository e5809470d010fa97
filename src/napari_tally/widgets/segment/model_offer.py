"""The models that the Segment dock offers for an image: those that it may be for come first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...core.errors import printable
from ...models.known_models import Entry, entry_of, library
from ...models.misfit import misfit

if TYPE_CHECKING:
    from pathlib import Path

    from ...models.probe import Probe


@dataclass(frozen=True)
class ModelOffer:
    """Models in the order in which they are offered.

    Attributes
    ----------
    choices : list of (str, str)
        Labels; names of built-in and imported models, folders of others.
    tooltips : dict of str to str
        What a model is for, and why it is not for the image.
    misfits : dict of str to str
        Why a model is not for the image.
    """

    choices: list[tuple[str, str]]
    tooltips: dict[str, str]
    misfits: dict[str, str]

    @classmethod
    def of(cls, probe: Probe | None, folders: list[Path]) -> ModelOffer:
        """Return the offer for an image, with the user's folders of models."""
        found = {entry.name: (entry.name, entry) for entry in library()}
        found |= {path.name: (str(path), entry_of(path)) for path in folders}
        misfits = {value: reason for value, e in found.values() if (reason := _misfit(probe, e))}
        choices = [(label, value) for label, (value, _) in found.items()]
        choices.sort(key=lambda choice: choice[1] in misfits)
        tooltips = {value: _tooltip(entry, misfits.get(value)) for value, entry in found.values()}
        return cls(choices, tooltips, misfits)


def _misfit(probe: Probe | None, entry: Entry) -> str:
    if probe is None or entry.info is None or entry.ndim is None:
        return ""
    return misfit(probe, entry.info, entry.ndim)


def _tooltip(entry: Entry, reason: str | None) -> str:
    lines = [f"{entry.group}: {entry.images}" if entry.images else entry.group]
    lines.append(printable(entry.purpose))
    return "\n".join([*lines, *([f"Not for this image: {reason}"] if reason else [])])
