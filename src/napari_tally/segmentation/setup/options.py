"""What a user may decide about a segmentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import Field, field_validator

from ...core.errors import InputError
from ...core.options import Options
from ...core.quantity import Quantity, parse_quantity
from ...heads.base import Head
from ...network.device import Precision
from ...network.tile_layout import ToldTiling
from ..maps.stack_strategies import AnyStack, Auto

if TYPE_CHECKING:
    from ...core.volume import Volume

H = TypeVar("H", bound=Head)


class SegmentOptions(Options):
    """How an image is segmented.

    Attributes
    ----------
    channel : int or str, optional
        Number (from 0) or name of the channel to segment.
    object_size : str, optional
        Diameter of the objects, such as "12um" or "30px"; guessed if it is not told.
    min_size : str, optional
        Smallest object that is kept, such as "20um2" or "50px2" (um3, px3 in 3D).
    threshold : float, optional
        Least probability of an object's voxel; the model's own if it is not told.
    tune : dict of str to float
        Other numbers by which the model's head decodes, such as {"tolerance": 0.7}.
    separate : bool
        Separate objects: what hangs together of each class of a semantic model becomes an object
        of its own. Other models always separate.
    stack : Auto, Slices, Link or Views
        How a stack goes through a 2D model: "auto", "slices" (each by itself), "link" (and objects
        linked between slices) or "views" (from three sides).
    augment : bool
        Average the maps of eight turned and mirrored copies of each image (test-time
        augmentation): eight times slower, and confidence also heeds how far the copies agree.
    tiling : ToldTiling
        The windows of the network; the model's own where they are not told.
    keep_maps : bool
        Keep the network's maps in the result.
    max_maps_gib : float
        Where the maps of an image (or stack) would be larger, they go to a temporary file, and are
        made and decoded block by block.
    """

    channel: int | str | None = None
    object_size: str | None = None
    min_size: str | None = None
    threshold: float | None = Field(None, gt=0, lt=1)
    tune: dict[str, float] = Field(default_factory=dict)
    separate: bool = False
    stack: AnyStack = Auto()
    augment: bool = False
    tiling: ToldTiling = ToldTiling()
    device: str = "auto"
    precision: Precision = "auto"
    keep_maps: bool = False
    max_maps_gib: float = Field(1.0, gt=0)

    @field_validator("object_size")
    @classmethod
    def _is_length(cls, text: str | None) -> str | None:
        if text is not None and len(parse_quantity(text).values) != 1:
            raise InputError(f"{text!r} is not one diameter", hint="Write it as 12um or 30px")
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
            If the head has no such parameter, or cannot take its value.
        """
        parameters = dict(self.tune)
        if self.threshold is not None and "threshold" in head.parameters:
            parameters["threshold"] = self.threshold
        return head.tuned(**parameters)

    def diameter_px(self, volume: Volume) -> float | None:
        """Return the object size in px of the image (the finer of Y and X), if it is set."""
        if self.object_size is None:
            return None
        size = parse_quantity(self.object_size)
        if size.unit == "px":
            return size.values[0]
        return size.to(_calibrated(volume, self.object_size))[0] / min(volume.spacing or ())

    def min_voxels(self, volume: Volume, ndim: int) -> float | None:
        """Return the minimum size of an object in voxels of the image, if it is set."""
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
            f"{volume.name} has no calibration, which {text!r} needs",
            hint="Give the size in px, or the spacing, such as 0.5um",
        )
    return volume.unit
