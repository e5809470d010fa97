"""What a model says of itself: our block in the metadata of its MONAI bundle."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from ..core.errors import InputError
from ..core.options import Options
from ..core.quantity import LENGTHS
from ..geometry.orientation import check_codes
from ..heads import AnyHead
from ..heads.confidence import Calibration
from ..network.normalize import AnyNormalizer, Percentile
from ..network.tile_layout import Tiling

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


class DiameterRange(Options):
    """Diameters, in px, of the objects that a model was trained on.

    Attributes
    ----------
    low, high : float
        Objects of an image outside this range are brought to `typical` before the network.
    typical : float
        A diameter at which the model is at its best.
    """

    low: float = Field(gt=0)
    typical: float = Field(gt=0)
    high: float = Field(gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> DiameterRange:
        if not self.low <= self.typical <= self.high:
            raise ValueError(f"{self.low} <= {self.typical} <= {self.high} does not hold")
        return self

    def scale_for(self, diameter: float) -> float:
        """Return by how much an image with objects of that diameter (px) is to be enlarged."""
        return 1.0 if self.low <= diameter <= self.high else self.typical / diameter


class ModelInfo(Options):
    """How a model is used, and what it is for.

    Attributes
    ----------
    name, version, description, licence : str
        Its identity; the description is one line.
    channels : tuple of str
        What each input channel shows.
    singular, plural : str
        What its objects are called.
    min_size : int
        Objects of fewer voxels (on the network's grid) are dropped unless the user says otherwise.
    spacing : tuple of float, optional
        Size of a voxel, in `spacing_unit`, along each axis (Z, Y, X) of the images it was trained
        on; others are resampled to it. A model has this or `diameter`.
    extent : tuple of float, optional
        Length, in `spacing_unit`, along each axis of the largest images it was trained on. The user
        is told where an image shows much more, such as a whole head to a model of one organ.
    orientation : str, optional
        How the axes of its images lie: letters for x, y and z as nibabel writes them, such as
        "RAS". Volumes that lie otherwise are turned for it.
    colors : tuple of str
        "#rrggbb" for each class of a semantic model, or empty.
    confidence : Calibration, optional
        From what the maps say of an object to the probability that it is a true one. Without it,
        an object's confidence is the mean probability of its voxels.
    tiling : Tiling
        The windows in which it is led over an image, unless the user says otherwise.
    mirrored : tuple of str
        Axes (Z, Y, X) along which what it sees is mirrored, too: its maps are the mean of both.
    """

    name: str
    version: str
    description: str
    licence: str
    head: AnyHead
    normalizer: AnyNormalizer = Percentile()
    diameter: DiameterRange | None = None
    channels: tuple[str, ...] = ("image",)
    singular: str = "object"
    plural: str = "objects"
    min_size: int = Field(0, ge=0)
    spacing: tuple[float, ...] | None = None
    spacing_unit: str = "um"
    extent: tuple[float, ...] | None = None
    orientation: str | None = None
    colors: tuple[str, ...] = ()
    confidence: Calibration | None = None
    tiling: Tiling = Tiling()
    mirrored: tuple[Literal["Z", "Y", "X"], ...] = ()
    data: str = ""
    metrics: dict[str, float] = Field(default_factory=dict)

    @field_validator("orientation")
    @classmethod
    def _is_orientation(cls, codes: str | None) -> str | None:
        return None if codes is None else check_codes(codes)

    @field_validator("colors")
    @classmethod
    def _are_colors(cls, colors: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [c for c in colors if not _COLOR.fullmatch(c)]
        if wrong:
            raise InputError("Colours such as #ff8800 are needed", ", ".join(wrong))
        return colors

    @model_validator(mode="after")
    def _fits(self) -> ModelInfo:
        if self.spacing is not None:
            self._check_spacing(self.spacing)
        if self.extent is not None and len(self.extent) != len(self.spacing or ()):
            raise ValueError("an extent is as many numbers as the spacing, which it needs")
        features = self.head.tuned_part.evidence_names
        if self.confidence and self.confidence.features != features:
            names = ", ".join(features)
            raise ValueError(f"weights of {names} are needed for the confidence")
        if self.mirrored and self.head.vectors(2):
            raise ValueError(
                f"maps of {self.head.name} turn with the image: mirrored is for others"
            )
        if len(set(self.mirrored)) < len(self.mirrored):
            raise ValueError("each axis that is mirrored is needed once")
        classes = len(self.head.class_names)
        if self.colors and len(self.colors) != classes:
            raise ValueError(f"{classes} colours are needed, one a class, not {len(self.colors)}")
        return self

    def _check_spacing(self, spacing: tuple[float, ...]) -> None:
        if self.diameter is not None:
            raise ValueError("a model has a spacing or a diameter of its objects, not both")
        if len(spacing) not in (2, 3) or not all(0 < s < float("inf") for s in spacing):
            raise ValueError(f"2 or 3 positive numbers are needed as spacing, not {spacing}")
        if self.spacing_unit not in LENGTHS:
            raise ValueError(f"a unit of {', '.join(LENGTHS)} is needed, not {self.spacing_unit!r}")
