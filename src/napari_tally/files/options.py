"""Options for reading and converting files."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..core.options import Offer, Options
from ..core.quantity import QuantityText

Resample = Annotated[
    bool,
    Offer(advanced=True),
    Field(
        description="Resample what lies on another grid: labels by the nearest neighbour, images "
        "linearly. Without it, only other orientations of the same voxels are accepted."
    ),
]


class MatchOptions(Options):
    """How labels are matched with images by their names."""

    label_suffix: str | None = Field(
        None,
        description="How the names of labels end, such as _manual, or a pattern with * for the "
        "image's name, such as gt_*. Default: the usual ends (_labels, _mask, _seg, _gt, ...).",
    )


class ReadOptions(Options):
    """How a file is read."""

    series: str | None = Field(
        None, description="Series of a file or folder with several images; `tally info` lists them."
    )
    axes: str | None = Field(
        None, description="Axes of the file, such as ZYX, TYX or CYX. Default: read from the file."
    )


class CalibratedReadOptions(ReadOptions):
    """How a file is read, with a voxel size to set."""

    spacing: QuantityText = Field(
        None, description="Voxel size, such as 0.5,0.1,0.1um. Default: read from the file."
    )


class ConvertOptions(CalibratedReadOptions):
    """How an image is converted."""

    stack: Annotated[Literal["Z", "T", "C"] | None, Offer(label="Stack along")] = Field(
        None, description="Stack the files, or the files of a folder, along this axis."
    )
    resample: Resample = False
    labels: bool = Field(False, description="Write a label image instead of intensities.")
    zarr_version: Annotated[Literal["0.4", "0.5"] | None, Offer(label="OME-Zarr version")] = Field(
        None, description="Version of the OME-Zarr format."
    )
    overwrite: bool = Field(False, description="Replace an output that exists.")
