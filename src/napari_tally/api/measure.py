"""`napari_tally.measure`."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import InputError
from ..core.full_masks import FullMasks
from ..features.declare.options import DEFAULT
from ..measurement.measure import measure_volumes
from ..measurement.measure_full_masks import measure_full_masks, read_full_masks
from ..measurement.measure_inputs import measure_inputs
from ..measurement.options import measurements
from .inputs import as_label_volume, as_quantity, as_volume, image_axes

if TYPE_CHECKING:
    import pandas as pd

    from ..core.volume import Volume
    from .inputs import Image, Spacing

logger = logging.getLogger("napari_tally")


def measure(
    labels: Image,
    image: Image | None = None,
    spacing: Spacing | None = None,
    *,
    parents: Image | None = None,
    groups: str | Sequence[str] = DEFAULT,
    ring: str | float | None = None,
    separate: bool = False,
    static_labels: bool = False,
    resample: bool = False,
    full_masks: FullMasks | bool = False,
) -> pd.DataFrame:
    """Measure the objects of a label image, shape (Y, X) or (Z, Y, X).

    Parameters
    ----------
    labels : array, Volume or path
        One id per object, 0 elsewhere. A mask (bool) is separated into its connected components.
    image : array, Volume or path, optional
        Image to measure intensities in, on the same grid, with or without channels.
    spacing : str, float or tuple of float, optional
        Voxel size, as text ("0.5,0.1,0.1um") or as numbers in µm. Default: read from the file of
        the labels, or else of the image.
    parents : array, Volume or path, optional
        Labels on the same grid that contain the objects: cells of nuclei, organs of lesions.
    groups : str or sequence of str
        Groups of measurements (see `features.registry.GROUPS`), such as "shape,intensity", or
        "all". Size and place are always measured.
    ring : str or float, optional
        Width of the background ring around each object, as text ("2um") or as a number in µm.
    separate : bool
        Split each id into connected components, one object each: for binary masks of 0 and 255.
    static_labels : bool
        Measure labels without time axis in every frame of an image with one, which comes first in
        an array.
    resample : bool
        Resample an image or parents on another grid to that of the labels.
    full_masks : FullMasks or bool
        Measure objects that overlap in full: `Result.full_masks`, or True for those in the COCO
        JSON beside a file of labels (`a_coco.json` of `a_labels.tif`).

    Returns
    -------
    pandas.DataFrame
        One row per object; units are in the names of the columns.

    Examples
    --------
    >>> import numpy as np
    >>> import napari_tally
    >>> labels = np.zeros((8, 8), np.uint8)
    >>> labels[1:4, 1:5], labels[5:7, 5:7] = 1, 2
    >>> table = napari_tally.measure(labels, spacing=0.5)
    >>> table[["label", "area_um2"]]
       label  area_um2
    0      1       3.0
    1      2       1.0
    """
    grid = as_label_volume(labels, spacing)
    # A given spacing is that of the grid and overrides the image's file.
    axes = image_axes(image, grid, film=static_labels)
    images = [] if image is None else [as_volume(image, axes, spacing)]
    parent_labels = None if parents is None else as_label_volume(parents, spacing)
    width = None if ring is None else as_quantity(ring)
    given = measure_inputs(
        grid, images, parent_labels,
        separate=separate, static_labels=static_labels, resample=resample,
    )  # fmt: skip
    for note in given.notes:
        logger.warning("%s.", note)
    names = groups.split(",") if isinstance(groups, str) else groups
    options = measurements(names, width, given.labels)
    if full_masks is False:
        return measure_volumes(given.labels, given.images, options, given.parents)
    full = _full_masks(full_masks, labels, given.labels)
    return measure_full_masks(given.labels, full, given.images, options, given.parents)


def _full_masks(given: FullMasks | bool, labels: Image, grid: Volume) -> FullMasks:
    """Return the full masks that are given, or those beside the file of the labels."""
    if isinstance(given, FullMasks):
        return given
    if not isinstance(labels, str | os.PathLike):
        raise InputError(
            "The full masks of labels that are no file are not known",
            hint="Set full_masks=result.full_masks",
        )
    return read_full_masks(Path(labels), grid)
