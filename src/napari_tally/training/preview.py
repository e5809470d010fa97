"""Segmentation of an image with the best weights so far of a training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..models.bundle import Model
from ..segmentation.segment import segment_steps
from ..segmentation.setup.options import SegmentOptions
from .loop.checkpoint import best_weights
from .plan.mask_plan import MaskPlan
from .plan.options import TrainingOptions
from .plan.planner import Planned
from .train import info_of

if TYPE_CHECKING:
    from ..core.progress import Steps
    from ..core.volume import Volume


def preview_steps(work: Path, image: Volume, device: str = "auto") -> Steps[NDArray[np.integer]]:
    """Segment an image with the best weights of a running training; return labels or classes.

    Parameters
    ----------
    work : Path
        The folder of the run: see `training.run_folder`.
    image : Volume

    Raises
    ------
    TallyError
        If there are no weights yet, or the image does not fit the network.
    """
    plan = Planned.read(work).plan
    if isinstance(plan, MaskPlan):
        raise InputError(
            "A network that returns masks has no preview while it trains",
            hint="Wait for the training, or stop it: the best model so far is kept",
        )
    info = info_of(plan, TrainingOptions(), "preview")
    network = plan.architecture.build().eval()
    network.load_state_dict(best_weights(work))
    model = Model(info, plan.architecture, (network,), "", work)
    found = yield from segment_steps(image, model, SegmentOptions(device=device))
    return found.labels if found.classes is None else np.asarray(found.classes.array)
