"""The result of a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .model_card import best_scores

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ..models.model_info import ModelInfo
    from .data.data_split import Split
    from .loop.history import Training
    from .plan.mask_plan import MaskPlan
    from .plan.plan import Plan


@dataclass(frozen=True, eq=False)
class Trained:
    """The result of a training: the model folder, its plan and its scores."""

    folder: Path
    info: ModelInfo
    plan: Plan | MaskPlan
    split: Split
    training: Training
    test: Mapping[str, float] | None = None

    def lines(self) -> list[str]:
        """Describe the result in lines of text."""
        t = self.training
        scores = ", ".join(f"{name} {value:.3f}" for name, value in best_scores(t).items())
        how = f"{t.step:,} steps, {t.waiting:.0%} of the time spent waiting for data"
        best = f"best at step {t.best_step:,}: {scores}" if self.split.validation else ""
        test = ", ".join(f"{name} {value:.3f}" for name, value in (self.test or {}).items())
        return [line for line in (how, t.stopped, best, f"test set: {test}" * bool(test)) if line]
