"""Search the parameters of a head and the minimum size for the best score on some images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.progress import Step, Steps

if TYPE_CHECKING:
    from ..heads.base import Head
    from ..models.model_info import ModelInfo
    from .tune_predicted import Predicted

Settings = dict[str, float]

STAGE = "tune"
MIN_SIZE = "min_size"
_SHARES = (
    0.0,
    *(round(0.1 * i, 1) for i in range(1, 10)),
    0.95,
)  # for parameters from 0 to 1
_FACTORS = (0.5, 0.67, 0.8, 0.9, 1.1, 1.25, 1.5, 2.0)  # for parameters without an upper limit
_SIZES = (0, 5, 10, 20, 50, 100, 200)  # voxels, for a model without a minimum size
_SIZE_FACTORS = (0.0, 0.5, 0.75, 1.5, 2.0, 3.0)
_GAIN = 1e-4  # minimum gain in AP for a change


class Search:
    """A search over the parameters of a model; each setting is scored once."""

    def __init__(self, kept: Sequence[Predicted], info: ModelInfo, sweeps: int) -> None:
        self.kept, self.start, self.sweeps = kept, info, sweeps
        self.candidates = candidates(info)
        own = {name: float(value) for name, value in info.head.parameters.items()}
        self.own = {**own, MIN_SIZE: float(info.min_size)}
        self.candidates = {**self.candidates, MIN_SIZE: _sizes(info.min_size)}
        self.known: dict[tuple[int, tuple[float, ...]], float] = {}

    def info(self, settings: Settings) -> ModelInfo:
        """Return the model's description with other parameters."""
        head = self.start.head
        kinds = {name: type(value) for name, value in head.parameters.items()}
        parameters = {name: kind(settings[name]) for name, kind in kinds.items()}
        update = {"head": head.tuned(**parameters), MIN_SIZE: int(settings[MIN_SIZE])}
        return self.start.model_copy(update=update)

    def score_steps(self, settings: Settings, images: NDArray[np.intp]) -> Steps[float]:
        """Return the mean score of some images; yield after each decoded one."""
        info, values = self.info(settings), tuple(settings.values())
        for i in images:
            if (i, values) not in self.known:
                self.known[i, values] = self.kept[i].score(info)
                yield Step(STAGE, len(self.known), 0)
        return float(np.mean([self.known[i, values] for i in images]))

    def best_steps(self, images: NDArray[np.intp]) -> Steps[Settings]:
        """Return the settings that score best on some images."""
        best = dict(self.own)
        top = yield from self.score_steps(best, images)
        for _ in range(self.sweeps):
            before = dict(best)
            for name, values in self.candidates.items():
                for value in values:
                    other = {**best, name: value}
                    score = yield from self.score_steps(other, images)
                    if score > top + _GAIN:
                        best, top = other, score
            if best == before:
                break
        return best


def candidates(info: ModelInfo) -> dict[str, list[float]]:
    """Return the values to try for each parameter of a model's head, other than its own."""
    return {name: _values(info.head, name) for name in info.head.parameters}


def _values(head: Head, name: str) -> list[float]:
    own = head.parameters[name]
    limits = type(head).model_fields[name].metadata
    most = min((v for m in limits for v in (getattr(m, "lt", None), getattr(m, "le", None))
                if v is not None), default=np.inf)  # fmt: skip
    tried = _SHARES if most <= 1 else [round(float(own) * f, 3) for f in _FACTORS]
    values = dict.fromkeys(type(own)(v) for v in tried)
    return [float(v) for v in values if v != own and _allowed(head, name, v)]


def _allowed(head: Head, name: str, value: float) -> bool:
    try:
        head.tuned(**{name: value})
    except InputError:
        return False
    return True


def _sizes(own: int) -> list[float]:
    tried = [round(own * f) for f in _SIZE_FACTORS] if own else _SIZES
    return [float(v) for v in dict.fromkeys(tried) if v != own]
