"""`napari_tally.segment`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.checked_options import checked
from ..core.progress import Step, drain
from ..models.bundle import Model, default_model, load_model
from ..segmentation.segment import segment_steps
from ..segmentation.setup.options import SegmentOptions
from .inputs import as_volume

if TYPE_CHECKING:
    from ..segmentation.result import Result
    from .inputs import Image, Spacing


def segment(
    image: Image,
    model: str | Path | Model | None = None,
    *,
    axes: str | None = None,
    spacing: Spacing | None = None,
    on_step: Callable[[Step], None] | None = None,
    **options: Any,
) -> Result:
    """Find, separate and measure the objects of an image.

    Parameters
    ----------
    image : array, Volume or path
        The image to segment.
    model : str, path or Model
        Built-in or imported model, or model folder. Default: nuclei-2d for images, nuclei-3d for
        stacks.
    axes : str, optional
        One letter of TCZYX per axis. Default: read from the file or guessed from the shape.
    spacing : str, float or tuple of float, optional
        Voxel size, as text ("0.5,0.1,0.1um") or as numbers in µm. Default: read from the file.
    on_step : callable, optional
        Called with each `Step`, for a progress bar.
    **options
        The fields of `SegmentOptions`: channel, object_size, min_size, threshold, tta, device, ...

    Returns
    -------
    Result
        With `labels`, `table` and `summary`.

    Raises
    ------
    TallyError
        If the image, an option or the model cannot be used; the message says why.

    Examples
    --------
    >>> import napari_tally
    >>> from napari_tally.simulate.nuclei import NucleiField
    >>> image, _ = NucleiField(shape=(128, 128), count=8, touching=0.0).draw()
    >>> result = napari_tally.segment(image, "nuclei-2d", spacing=0.5, object_size="12um")
    >>> result.count
    8
    >>> result.labels.shape
    (128, 128)
    """
    how = checked(SegmentOptions, options)
    volume = as_volume(image, axes, spacing)
    loaded = model if isinstance(model, Model) else load_model(model or default_model(volume))
    return drain(segment_steps(volume, loaded, how), on_step)
