"""The description of a model: our block in the metadata of its MONAI bundle."""

from __future__ import annotations

import re
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from ..core.errors import InputError
from ..core.options import Options
from ..heads import AnyHead
from ..heads.confidence import Calibration
from ..mask_sets.readings import AnyReading
from ..network.runtimes import AnyRuntime
from .color_range import ColorRange
from .preprocessing import FORMAT, Preprocessing, lifted

EXPORTED = "napari_tally_export"  # key of a description in bundles for MONAI
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


class Source(Options):
    """Where an imported model is from.

    Attributes
    ----------
    format : str
        Such as "ONNX (Ultralytics)".
    location : str
        Name of the file or folder, or where it was downloaded from.
    sha256 : str
        Of the original file, or of all files of a folder in the order of their names.
    trained_on : str
        What the model was trained on in words, such as "photographs (80 classes)"; "" if unknown.
    """

    format: str
    location: str = ""
    sha256: str = ""
    trained_on: str = ""


class ModelInfo(Options):
    """How a model is used, and what it is for.

    Attributes
    ----------
    format : int
        Format of this block; later ones are refused.
    name, version, description, licence : str
        Its identity; the description is one line.
    group : str
        The heading under which built-in models are listed, such as "Nuclei".
    images : tuple of str
        Kinds of images that it is for, such as "phase contrast".
    preprocessing : Preprocessing
        How images are prepared for the network.
    singular, plural : str
        Nouns for its objects.
    min_size : int
        Objects of fewer voxels (on the network's grid) are removed unless the user sets a size.
    colors : tuple of str
        "#rrggbb" for each class, or empty.
    confidence : Calibration, optional
        Maps the evidence for an object to the probability that it is a true positive. Without it,
        an object's confidence is the mean probability of its voxels.
    least_confident : float, optional
        Minimum share of confident voxels (p > 0.9) among the candidates (p > 0.3) in images that
        the model knows; below it a run gives a low-confidence warning. Default: that of the nuclei
        models.
    runtime : Runtime, optional
        What runs the network of an imported model. Default: PyTorch, as the definition of the
        network says.
    reading : Reading, optional
        The meaning of the network's outputs, if it is not that of the head: class maps of another
        form, which become maps of the head, or masks and boxes with the head "mask-set".
    source : Source, optional
        Where an imported model is from.
    separate : bool
        Whether classes are split into connected components without being asked: objects of a model
        whose only class is the foreground.
    reversed_axes : bool
        Whether the network takes images with the axes (X, Y, Z), not (Z, Y, X).
    color_range : ColorRange, optional
        Colours of the RGB images of the training: others give a warning.
    mirrored : tuple of str
        Axes (Z, Y, X) along which the input is mirrored: the maps are the mean over all copies.
    """

    format: Literal[2] = FORMAT
    name: str
    version: str
    description: str
    licence: str
    head: AnyHead
    group: str = ""
    images: tuple[str, ...] = ()
    preprocessing: Preprocessing = Preprocessing()
    singular: str = "object"
    plural: str = "objects"
    min_size: int = Field(0, ge=0)
    colors: tuple[str, ...] = ()
    confidence: Calibration | None = None
    least_confident: float | None = Field(None, ge=0, le=1)
    runtime: AnyRuntime | None = None
    reading: AnyReading | None = None
    source: Source | None = None
    separate: bool = False
    color_range: ColorRange | None = None
    reversed_axes: bool = Field(False, exclude_if=lambda flag: not flag)
    mirrored: tuple[Literal["Z", "Y", "X"], ...] = ()
    data: str = ""
    metrics: dict[str, float] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _read(cls, block: Any) -> Any:
        return lifted(block, "The model")

    @field_validator("colors")
    @classmethod
    def _are_colors(cls, colors: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [c for c in colors if not _COLOR.fullmatch(c)]
        if wrong:
            raise InputError(
                f"{', '.join(wrong)} is not a colour",
                hint="Write colours as #rrggbb",
            )
        return colors

    @property
    def finds_masks(self) -> bool:
        """Whether the network returns masks or boxes, not prediction maps."""
        return self.reading is not None and self.reading.kind != "maps"

    @property
    def finds_boxes(self) -> bool:
        """Whether the network returns boxes without masks, beside class maps or alone."""
        return self.finds_masks and self.reading is not None and self.reading.only_boxes

    @property
    def has_stuff(self) -> bool:
        """Whether results have a class image: regions of stuff behind objects, or classes."""
        stuff = getattr(self.head, "stuff", ())
        panoptic = self.reading is not None and self.reading.kind == "panoptic"
        return bool(self.head.class_names) or panoptic or bool(stuff)

    @model_validator(mode="after")
    def _reads(self) -> Self:
        if self.runtime is not None and self.reading is None:
            raise ValueError(f"the outputs of the runtime {self.runtime.name} need a reading")
        if self.finds_masks == self.head.has_maps:
            raise ValueError("readings of masks and boxes belong to the head mask-set")
        return self

    @model_validator(mode="after")
    def _fits(self) -> Self:
        features = self.head.object_head.evidence_names
        if self.confidence and self.confidence.features != features:
            raise ValueError(
                f"the confidence must have weights for {', '.join(features)}, "
                f"not for {', '.join(self.confidence.features)}"
            )
        if self.mirrored and self.head.vectors(2):
            raise ValueError(
                f"the vectors of the head {self.head.name} turn with the image: remove 'mirrored'"
            )
        if len(set(self.mirrored)) < len(self.mirrored):
            raise ValueError(f"an axis is named twice in mirrored: {', '.join(self.mirrored)}")
        classes = len(self.head.class_names)
        if self.colors and len(self.colors) != classes:
            raise ValueError(f"{len(self.colors)} colours for {classes} classes: give one a class")
        return self
