"""`napari_tally.measure`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..features.declare.options import DEFAULT
from ..measurement.measure import measure_volumes
from ..measurement.options import measurements
from .inputs import as_label_volume, as_quantity, as_volume, image_axes

if TYPE_CHECKING:
    import pandas as pd

    from .inputs import Image, Spacing


def measure(
    labels: Image,
    image: Image | None = None,
    spacing: Spacing | None = None,
    *,
    parents: Image | None = None,
    groups: str | Sequence[str] = DEFAULT,
    ring: str | float | None = None,
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
    images = [] if image is None else [as_volume(image, image_axes(image, grid), spacing)]
    parent_labels = None if parents is None else as_label_volume(parents, spacing)
    width = None if ring is None else as_quantity(ring)
    names = groups.split(",") if isinstance(groups, str) else groups
    options = measurements(names, width, grid.calibrated_by(images))
    return measure_volumes(grid, images, options, parent_labels)
