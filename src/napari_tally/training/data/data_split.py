"""Which images are learnt from, which choose the best weights, and which are only scored."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import Field

from ...core.errors import InputError
from ...core.options import Options

_LEAST = 4  # groups from which on some can be spared
_SHARE, _ENOUGH = 0.2, 20  # of the groups, and how many of them are enough to choose weights by
_MARKED = re.compile(r"^(.+?)[_\-. ]?(?:z|t|slice|frame|plane)[_\-]?\d+$", re.IGNORECASE)
_NUMBERED = re.compile(r"^(.*\d)[_\-. ]\d+$")
_FOLDERS = 3  # from which on the folder of a file is what it belongs to


class Split(Options):
    """The names of the images of each part, and the seed by which they were drawn."""

    seed: int = 0
    training: tuple[str, ...]
    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    note: str = Field("", description="What is to be said of it")

    def lines(self) -> list[str]:
        """Say it in words."""
        parts = {
            "to learn from": self.training,
            "to choose the best weights": self.validation,
            "only to be scored": self.test,
        }
        counts = ", ".join(f"{len(names)} {what}" for what, names in parts.items() if names)
        return [f"Images: {counts} (seed {self.seed})", *filter(None, [self.note])]


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
        Of each image (by name) what it belongs to: slices of one volume stay together.
    validation, test : float
        Shares of the groups. If none is told, a fifth is for validation, 20 groups at most. With
        fewer than four groups all of them are learnt from.
    """
    kinds = sorted(set(groups.values()))
    share, most = (_SHARE, _ENOUGH) if validation is None else (validation, len(kinds))
    if len(kinds) < _LEAST or share <= 0:
        note = f"which takes {_LEAST} images ({len(kinds)} here)" if share > 0 else "as asked for"
        note = f"No validation, {note}: the last weights are kept, and nothing scores them"
        return Split(seed=seed, training=tuple(sorted(groups)), note=note)
    order = [kinds[i] for i in np.random.default_rng(seed).permutation(len(kinds))]
    held = min(most, max(1, round(share * len(kinds))))
    away = min(round(test * len(kinds)), len(kinds) - held - 1)
    parts = {"validation": order[:held], "test": order[held : held + away]}
    names = {p: tuple(sorted(n for n, g in groups.items() if g in of)) for p, of in parts.items()}
    rest = set(groups) - set(names["validation"]) - set(names["test"])
    return Split(seed=seed, training=tuple(sorted(rest)), **names)


def told_split(names: Sequence[str], validation: Sequence[str], seed: int = 0) -> Split:
    """Return the split in which the images named are those of the validation.

    Raises
    ------
    InputError
        If one of them is not there, or none is left.
    """
    unknown = sorted(set(validation) - set(names))
    rest = tuple(sorted(set(names) - set(validation)))
    if unknown or not rest:
        raise InputError(
            "Names of some, not all, of the images are needed for the validation",
            ", ".join(unknown) or "all of them",
        )
    return Split(seed=seed, training=rest, validation=tuple(sorted(validation)))


def groups_of(paths: Mapping[str, Path]) -> dict[str, str]:
    """Return what each image belongs to, by its folder or its name (`mouse_z012`, `a3_07`)."""
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
