"""The result of a model that returns masks or boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .collect.mask_tables import measure_mask_steps
from .result import Result

if TYPE_CHECKING:
    from ..core.progress import Steps
    from ..core.volume import Volume
    from ..heads.confidence import Calibration
    from .collect.mask_collector import CollectedMasks
    from .setup.options import SegmentOptions


def mask_result_steps(
    found: CollectedMasks,
    image: Volume,
    options: SegmentOptions,
    model: dict[str, str],
    *,
    full_masks: bool = False,
    confidence: Calibration | None = None,
    **about: Any,
) -> Steps[Result]:
    """Measure collected objects and return their `Result`; yield every plane.

    Parameters
    ----------
    image : Volume
        The image that was segmented.
    options : SegmentOptions
        Of the run.
    model : dict
        Name, version and sha256 of the weights.
    full_masks : bool
        Whether the table measures objects in full where they overlap.
    confidence : Calibration, optional
        Of the model. Default: the confidence of an object is its score.
    **about
        Other fields of `Result`: nouns, notes, seconds, ...
    """
    tables = yield from measure_mask_steps(
        found, image, full_masks=full_masks, confidence=confidence
    )
    return Result(
        volume=found.labels,
        **vars(tables),
        evidence=found.scores[:, None],
        options=options,
        model=model,
        separated=found.boxes is None,
        classes=found.classes,
        full_masks=found.full,
        boxes=found.boxes,
        class_names=found.class_names,
        **about,
    )
