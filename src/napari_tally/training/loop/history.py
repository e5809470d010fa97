"""The record of a training run."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ...core.errors import FileError
from ...core.progress import Step
from .checkpoint import LOG


@dataclass
class Training:
    """The progress of a training run; the best weights are those of the best validation.

    Attributes
    ----------
    step : int
        Steps so far.
    seconds, waited : float
        Time spent on steps, and on waiting for their data.
    bad_steps : int
        Steps with a loss that was not finite.
    slowdown : float
        Factor of the learning rate; each bad step halves it.
    parts : int
        Parts into which a batch is split where memory is short.
    stale : int
        Validations since the last better score.
    stopped : str
        Why training ended early, or "".
    """

    step: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    bad_steps: int = 0
    slowdown: float = 1.0
    parts: int = 1
    best_score: float = -1.0
    best_step: int = 0
    stale: int = 0
    stopped: str = ""
    losses: list[float] = field(default_factory=list)
    scores: list[dict[str, float]] = field(default_factory=list)

    @property
    def waiting(self) -> float:
        """The share of the time that was spent waiting for data."""
        return self.waited / (self.waited + self.seconds) if self.seconds else 0.0

    @classmethod
    def read(cls, folder: Path) -> Training:
        """Read the record of the last checkpoint of a run.

        Raises
        ------
        FileError
            If it cannot be read.
        """
        try:
            return cls.of(json.loads((folder / LOG).read_text("utf-8")))
        except (OSError, ValueError, RecursionError) as error:
            raise FileError(f"The record {folder / LOG} cannot be read: {error}") from error

    @classmethod
    def of(cls, state: Any) -> Training:
        """Return the record from plain values; fields that another version wrote are left out.

        Raises
        ------
        ValueError
            If they are not of the right types.
        """
        if not isinstance(state, dict):
            raise ValueError(f"the state is a {type(state).__name__}")
        found = cls(**{name: state[name] for name in _types() if name in state})
        for name, kind in _types().items():
            value = getattr(found, name)
            if kind is float and type(value) is int:
                continue
            if type(value) is not kind:
                raise ValueError(f"{name} is {value!r:.80}, which is no {kind.__name__}")
        return found


def _types() -> dict[str, type]:
    """Return the type of each field."""
    return {each.name: type(getattr(Training(), each.name)) for each in fields(Training)}


@dataclass(frozen=True, slots=True)
class Learning(Step):
    """A step of the optimizer: its loss, and the scores of a validation after it, if any."""

    loss: float = math.nan
    scores: Mapping[str, float] | None = None
