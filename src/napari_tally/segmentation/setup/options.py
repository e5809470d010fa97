"""Options of a segmentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import Field, field_validator

from ...core.errors import InputError
from ...core.options import Offer, Options
from ...core.quantity import Quantity, parse_quantity
from ...heads.base import Head
from ...network.device import Device, Precision
from ...network.tile_layout import TilingOptions
from ..maps.stack_strategies import AnyStack, Auto

if TYPE_CHECKING:
    from ...core.volume import Volume

H = TypeVar("H", bound=Head)


class SegmentOptions(Options):
    """How an image is segmented."""

    channel: int | str | None = Field(
        None, description="Channel to segment, by number (from 0) or name."
    )
    object_size: str | None = Field(
        None,
        description="Object diameter, such as 12um or 30px. Default: estimated from the image.",
    )
    min_size: Annotated[str | None, Offer(label="Minimum size")] = Field(
        None,
        description="Smallest object to keep, such as 20um2 or 50px2 (um3 or px3 in 3D). "
        "Default: the model's own.",
    )
    threshold: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Minimum probability of an object pixel. Default: the model's own.",
    )
    tune: Annotated[dict[str, float], Offer(advanced=True)] = Field(
        default_factory=dict,
        description="Other post-processing parameters of the model's head, such as tolerance=0.7.",
    )
    separate: bool = Field(
        False,
        description="Split each class into connected components (one instance each). "
        "Models of instances always separate.",
    )
    stack: AnyStack = Field(
        Auto(),
        description="How a 2D model segments a stack: each slice separately (slices), slice by "
        "slice with objects linked (link), in three orthogonal views (views), or in views unless "
        "the slices are too far apart (auto).",
    )
    tta: Annotated[bool, Offer(label="Test-time augmentation", aliases=("augment",))] = Field(
        False,
        description="Test-time augmentation: average the predictions for eight rotated and "
        "mirrored copies. Eight times slower; confidence then also uses their agreement.",
    )
    tiling: Annotated[TilingOptions, Offer(advanced=True)] = Field(
        TilingOptions(), description="Tiles of the network. Default: the model's own."
    )
    device: Device = "auto"
    precision: Annotated[Precision, Offer(advanced=True)] = Field(
        "auto", description="Numerical precision of the network."
    )
    keep_maps: Annotated[bool, Offer(hidden=True)] = Field(
        False, description="Keep the prediction maps in the result."
    )
    max_maps_gib: Annotated[
        float, Offer(label="Memory for prediction maps (GiB)", advanced=True)
    ] = Field(
        1.0,
        gt=0,
        description="Memory for the prediction maps of an image, GiB. Larger ones go to a "
        "temporary file and are decoded block by block.",
    )

    @field_validator("object_size")
    @classmethod
    def _is_length(cls, text: str | None) -> str | None:
        if text is not None and len(parse_quantity(text).values) != 1:
            raise InputError(
                f"The object size must be one number, not {text!r}", hint="Write it as 12um or 30px"
            )
        return text

    @field_validator("min_size")
    @classmethod
    def _is_size(cls, text: str | None) -> str | None:
        if text is not None:
            parse_quantity(text, power=3 if text.rstrip().endswith(("3", "³")) else 2)
        return text

    def tuned(self, head: H) -> H:
        """Return the head with the post-processing parameters of these options.

        Raises
        ------
        InputError
            If the head has no such parameter, or does not accept its value.
        """
        parameters = dict(self.tune)
        if self.threshold is not None and "threshold" in head.parameters:
            parameters["threshold"] = self.threshold
        return head.tuned(**parameters)

    def diameter_px(self, volume: Volume) -> float | None:
        """Return the object size in px of the image (the smaller of Y and X), if it is set."""
        if self.object_size is None:
            return None
        size = parse_quantity(self.object_size)
        if size.unit == "px":
            return size.values[0]
        return size.to(_calibrated(volume, self.object_size))[0] / min(volume.spacing or ())

    def min_voxels(self, volume: Volume, ndim: int) -> float | None:
        """Return the minimum object size in voxels of the image, if it is set."""
        if self.min_size is None:
            return None
        size = parse_quantity(self.min_size, power=ndim)
        if size.unit == "px":
            return size.values[0]
        unit = _calibrated(volume, self.min_size)
        voxel = 1.0
        for length in (volume.spacing or ())[-ndim:]:
            voxel *= length
        return Quantity(size.values, size.unit, ndim).to(unit)[0] / voxel


def _calibrated(volume: Volume, text: str) -> str:
    if volume.spacing is None:
        raise InputError(
            f"{volume.name} has no calibration, so {text!r} cannot be converted to px",
            hint="Give the size in px, or set the spacing, such as 0.5um",
        )
    return volume.unit
