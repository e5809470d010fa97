"""How images are prepared for a network: the same in training and in every later run."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from ..core.errors import InputError, ModelError
from ..core.options import Options
from ..core.quantity import LENGTHS
from ..geometry.orientation import check_codes
from ..mask_sets.frame_options import FrameOptions
from ..network.normalize import AnyNormalizer, Percentile, Standard
from ..network.tile_layout import Tiling

# Of the blocks that hold a `Preprocessing`; in format 1 its fields were beside the others.
FORMAT: Literal[2] = 2
COLOURS = ("red", "green", "blue")
_LONGEST = 2**16  # px


class DiameterRange(Options):
    """Diameters, in px, of the objects that a model was trained on.

    Attributes
    ----------
    low, high : float
        Images whose objects are smaller or larger are rescaled until these have `typical`.
    typical : float
        A diameter at which the model works best.
    """

    low: float = Field(gt=0)
    typical: float = Field(gt=0)
    high: float = Field(gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.typical <= self.high:
            raise ValueError(
                f"must be low <= typical <= high, not {self.low}, {self.typical}, {self.high}"
            )
        return self

    def scale_for(self, diameter: float) -> float:
        """Return the factor by which to resize an image with objects of that diameter (px)."""
        return 1.0 if self.low <= diameter <= self.high else self.typical / diameter


class Preprocessing(Options):
    """Channels, grid, intensities and tiles of a network's input.

    Attributes
    ----------
    channels : tuple of str
        What each input channel shows.
    normalizer : Normalizer
        How intensities are scaled.
    diameter : DiameterRange, optional
        Object sizes in the training data; images of other objects are rescaled.
    spacing : tuple of float, optional
        Size of a voxel, in `spacing_unit`, along each axis (Z, Y, X) of the training images; others
        are resampled to it. A model has this or `diameter`.
    extent : tuple of float, optional
        Length, in `spacing_unit`, along each axis of the largest training images. Images that show
        much more, such as a whole head for a model of one organ, give a warning.
    orientation : str, optional
        Directions of the axes x, y and z as nibabel writes them, such as "RAS". Other volumes are
        reoriented.
    tiling : Tiling
        The tiles of inference, unless the user sets others.
    size : tuple of int, optional
        Shape (Z, Y, X) or (Y, X), px, to which every image is stretched.
    resample_first : bool
        Whether images are resampled before their intensities are scaled, and without
        anti-aliasing, as MONAI's transforms do.
    frame : FrameOptions, optional
        How a whole image is brought into the input of a network that returns masks or boxes.
        Default: as it is.
    """

    channels: tuple[str, ...] = ("image",)
    normalizer: AnyNormalizer = Percentile()
    frame: FrameOptions | None = None
    diameter: DiameterRange | None = None
    spacing: tuple[float, ...] | None = None
    spacing_unit: str = "um"
    size: tuple[int, ...] | None = Field(None, exclude_if=lambda size: size is None)
    resample_first: bool = Field(False, exclude_if=lambda first: not first)
    extent: tuple[float, ...] | None = None
    orientation: str | None = None
    tiling: Tiling = Tiling()

    @field_validator("orientation")
    @classmethod
    def _is_orientation(cls, codes: str | None) -> str | None:
        return None if codes is None else check_codes(codes)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.spacing is not None:
            self._check_spacing(self.spacing)
        if self.extent is not None and len(self.extent) != len(self.spacing or ()):
            raise ValueError("the extent must have one number for each number of the spacing")
        if self.size is not None:
            self._check_size(self.size)
        if isinstance(self.normalizer, Standard):
            self._check_standard(self.normalizer)
        return self

    def _check_size(self, size: tuple[int, ...]) -> None:
        if self.diameter is not None or self.spacing is not None:
            raise ValueError("a model has one of a size, a spacing and a diameter of its objects")
        if len(size) not in (2, 3) or not all(0 < n <= _LONGEST for n in size):
            raise ValueError(f"the size must be 2 or 3 lengths up to {_LONGEST} px, not {size}")

    def _check_standard(self, normalizer: Standard) -> None:
        for name in ("mean", "std"):
            count = len(getattr(normalizer, name))
            if count not in (1, len(self.channels)):
                raise ValueError(f"{name} has {count} numbers for {len(self.channels)} channels")

    def _check_spacing(self, spacing: tuple[float, ...]) -> None:
        if self.diameter is not None:
            raise ValueError("a model has a spacing or a diameter of its objects, not both")
        if len(spacing) not in (2, 3) or not all(0 < s < float("inf") for s in spacing):
            raise ValueError(f"the spacing must be 2 or 3 positive numbers, not {spacing}")
        if self.spacing_unit not in LENGTHS:
            units = ", ".join(LENGTHS)
            raise ValueError(f"the unit of the spacing is one of {units}, not {self.spacing_unit}")

    @property
    def voxel(self) -> str:
        """Size of a voxel in words, "1 x 1 x 1 mm", or "" if the model takes any."""
        if self.spacing is None:
            return ""
        return " x ".join(f"{s:g}" for s in self.spacing) + f" {self.spacing_unit}"

    def scale_for(self, diameter: float | None) -> float:
        """Return the factor by which to resize an image with objects of that diameter (px).

        1 if the diameter is unknown or the model works for any size.
        """
        if diameter is None or self.diameter is None:
            return 1.0
        return self.diameter.scale_for(diameter)

    def check_axes(self, ndim: int, name: str) -> None:
        """Refuse a network with `ndim` axes if this geometry does not fit it.

        Raises
        ------
        ModelError
            If the spacing has another number of axes, or a 2D network has an orientation.
        """
        if self.spacing is not None and len(self.spacing) != ndim:
            raise ModelError(
                f"The spacing {self.spacing} of {name} does not fit its {ndim}D network"
            )
        if self.size is not None and len(self.size) != ndim:
            raise ModelError(f"The size {self.size} of {name} does not fit its {ndim}D network")
        if self.orientation is not None and ndim != 3:
            raise ModelError(f"{name} has the orientation {self.orientation} but a 2D network")


def lifted(block: Any, what: str) -> Any:
    """Convert a block of fields to the current format.

    In the first format the fields of `Preprocessing` were beside the others.

    Raises
    ------
    InputError
        If a later version wrote the block.
    """
    if not isinstance(block, dict):
        return block
    written = block.get("format", 1)
    if isinstance(written, int) and written > FORMAT:
        raise InputError(
            f"{what} has the format {written}, but this version reads up to {FORMAT}",
            hint="Update napari-tally",
        )
    flat = {name: block[name] for name in Preprocessing.model_fields if name in block}
    if not flat or "preprocessing" in block:
        return block
    rest = {name: value for name, value in block.items() if name not in flat}
    return {**rest, "format": FORMAT, "preprocessing": flat}


def is_colour_model(names: tuple[str, ...]) -> bool:
    """Return whether the channels of a model are red, green and blue, in any order."""
    return sorted(names) == sorted(COLOURS)
