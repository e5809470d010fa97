"""The split of the images into training, validation and test set."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from ...core.errors import InputError
from ...core.options import Options

if TYPE_CHECKING:
    from .labelled_image import Labelled

_LEAST = 4  # fewest groups for a validation set
_SHARE, _ENOUGH = 0.2, 20  # share of the groups held out, and their largest number
_MARKED = re.compile(r"^(.+?)[_\-. ]?(?:z|t|slice|frame|plane)[_\-]?\d+$", re.IGNORECASE)
_NUMBERED = re.compile(r"^(.*\d)[_\-. ]\d+$")
_FOLDERS = 3  # from which on the folder of a file is its group


class Split(Options):
    """The names of the images of each part, and the seed by which they were drawn."""

    seed: int = 0
    training: tuple[str, ...]
    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    note: str = Field("", description="Why images are not held out")

    def lines(self) -> list[str]:
        """Describe it in words."""
        parts = {
            "for training": self.training,
            "for validation": self.validation,
            "for testing": self.test,
        }
        counts = ", ".join(f"{len(names)} {what}" for what, names in parts.items() if names)
        return [f"Images: {counts} (seed {self.seed})", *filter(None, [self.note])]

    def parts(self, images: Sequence[Labelled]) -> dict[str, list[Labelled]]:
        """Return the images of the training, validation and test set.

        Raises
        ------
        InputError
            If one is missing.
        """
        named, found = {image.name: image for image in images}, {}
        for part in ("training", "validation", "test"):
            names = getattr(self, part)
            missing = [name for name in names if name not in named]
            if missing:
                raise InputError(
                    f"Image {missing[0]} of the stopped run is missing",
                    hint="Resume with the same images",
                )
            found[part] = [named[name] for name in names]
        return found


def split_groups(
    groups: Mapping[str, str],
    seed: int = 0,
    validation: float | None = None,
    test: float = 0.0,
) -> Split:
    """Draw whole groups for validation and test.

    Parameters
    ----------
    groups : dict of str to str
        The group of each image, by its name: slices of one volume stay together.
    validation, test : float
        Shares of the groups. Default: a fifth for validation, 20 groups at most. Fewer than four
        groups are all for training.
    """
    kinds = sorted(set(groups.values()))
    share, most = (_SHARE, _ENOUGH) if validation is None else (validation, len(kinds))
    if len(kinds) < _LEAST or share <= 0:
        note = f"fewer than {_LEAST} images ({len(kinds)})" if share > 0 else "as requested"
        note = f"No validation set: {note}. The last weights are used, without a score"
        return Split(seed=seed, training=tuple(sorted(groups)), note=note)
    order = [kinds[i] for i in np.random.default_rng(seed).permutation(len(kinds))]
    held = min(most, max(1, round(share * len(kinds))))
    away = min(round(test * len(kinds)), len(kinds) - held - 1)
    parts = {"validation": order[:held], "test": order[held : held + away]}
    names = {p: tuple(sorted(n for n, g in groups.items() if g in of)) for p, of in parts.items()}
    rest = set(groups) - set(names["validation"]) - set(names["test"])
    return Split(seed=seed, training=tuple(sorted(rest)), **names)


def named_split(names: Sequence[str], validation: Sequence[str], seed: int = 0) -> Split:
    """Return the split with the named images as validation set.

    Raises
    ------
    InputError
        If one of them does not exist, or none is left for training.
    """
    unknown = sorted(set(validation) - set(names))
    rest = tuple(sorted(set(names) - set(validation)))
    if unknown or not rest:
        raise InputError(
            f"There is no image {unknown[0]!r} for validation"
            if unknown
            else "All images are held out for validation: none is left for training",
            hint="Choose some of the training images",
        )
    return Split(seed=seed, training=rest, validation=tuple(sorted(validation)))


def groups_of(paths: Mapping[str, Path]) -> dict[str, str]:
    """Return the group of each image, by its folder or its name (`mouse_z012`, `a3_07`)."""
    if len({path.parent for path in paths.values()}) >= _FOLDERS:
        return {name: str(path.parent) for name, path in paths.items()}
    for patterns, least in (((_MARKED, _NUMBERED), _LEAST), ((_MARKED,), 2)):
        found = {name: _start(name, patterns) for name in paths}
        if len(set(found.values())) >= least:
            return found
    return {name: name for name in paths}


def _start(name: str, patterns: tuple[re.Pattern[str], ...]) -> str:
    matches = (pattern.match(name) for pattern in patterns)
    return next((match[1] for match in matches if match), name)
