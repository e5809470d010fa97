"""`napari_tally.tune`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.checked_options import checked
from ..core.progress import Step, drain
from ..models.bundle import SHIPPED_DEFAULT, Model, load_model
from ..models.copy_bundle import check_target, copy_model
from ..segmentation.tune import TuneOptions, Tuning, tune_steps
from .inputs import as_label_volume, as_volume

if TYPE_CHECKING:
    from .inputs import Image


def tune(
    pairs: Sequence[tuple[Image, Image]],
    model: str | Path | Model = SHIPPED_DEFAULT,
    *,
    output: str | Path | None = None,
    on_step: Callable[[Step], None] | None = None,
    **options: Any,
) -> Tuning:
    """Calibrate the post-processing of a model on labelled images: threshold, minimum size, ...

    Parameters
    ----------
    pairs : sequence of (image, labels)
        Arrays, volumes or paths; labels have one id per object.
    model : str, path or Model
        Built-in model or model folder that separates objects.
    output : path, optional
        A new folder for the calibrated model.
    on_step : callable, optional
        Called with each `Step`, for a progress bar.
    **options
        The fields of `TuneOptions`: segment, folds, sweeps.

    Returns
    -------
    Tuning
        With `info`, the description of the calibrated model, and the scores before and after.

    Raises
    ------
    TallyError
        If an image, its labels or the model cannot be used; the message says why.

    Examples
    --------
    >>> import napari_tally
    >>> pairs = [("a.tif", "a_labels.tif"), ("b.tif", "b_labels.tif")]
    >>> tuning = napari_tally.tune(pairs, "nuclei-2d", output="my-nuclei")  # doctest: +SKIP
    >>> napari_tally.segment("c.tif", "my-nuclei")  # doctest: +SKIP
    """
    how = checked(TuneOptions, options)
    loaded = model if isinstance(model, Model) else load_model(model)
    if output is not None:
        check_target(Path(output), overwrite=False)
    volumes = [(as_volume(i), as_label_volume(labels)) for i, labels in pairs]
    tuning = drain(tune_steps(volumes, loaded, how), on_step)
    if output is not None:
        copy_model(loaded, tuning.info, Path(output))
    return tuning
