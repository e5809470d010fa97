"""What a model says of itself: our block in the metadata of its MONAI bundle."""

from __future__ import annotations

from pydantic import Field, model_validator

from ..core.options import Options
from ..heads import AnyHead
from ..network.normalize import AnyNormalizer, Percentile


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
    data: str = ""
    metrics: dict[str, float] = Field(default_factory=dict)
