"""Several readings of one network: Panoptic FPN (things and stuff), YOLOP v2 (boxes and maps)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, SerializeAsAny, model_validator

from ...core.errors import InputError
from .reading import READINGS, Found, Kind, Outputs, Reading

if TYPE_CHECKING:
    from ..frame import Frame

_Reading = Annotated[SerializeAsAny[Reading], BeforeValidator(READINGS.validate)]


class Stacked(Reading):
    """Objects, and class maps of regions (stuff), from different outputs of one network.

    Class ids are those of the objects first, then those of the maps. Several maps (drivable area
    and lanes of YOLOP v2) are joined, the last one in front. Kirillov et al., 2019 (Panoptic FPN),
    https://doi.org/10.1109/CVPR.2019.00656; Han et al., 2022 (YOLOP v2),
    https://doi.org/10.48550/arXiv.2208.11434.
    """

    kind: ClassVar[Kind] = "panoptic"
    takes: ClassVar[str] = "the outputs that its parts name"

    name: Literal["stacked"] = "stacked"
    parts: tuple[_Reading, ...] = Field(
        min_length=2, description="The readings; each names its outputs, only one has objects."
    )

    @model_validator(mode="after")
    def _fits(self) -> Stacked:
        if any(not part.outputs for part in self.parts):
            raise InputError(
                "Each part of a stacked reading must name its outputs",
                hint='Set "outputs" of each part, such as ["semantic"]',
            )
        if sum(part.kind != "maps" for part in self.parts) > 1:
            raise InputError("Only one part of a stacked reading can have objects")
        return self

    @property
    def objects(self) -> Reading | None:
        """The part that has objects."""
        return next((part for part in self.parts if part.kind != "maps"), None)

    @property
    def only_boxes(self) -> bool:
        """Whether its objects have boxes but no masks."""
        return self.objects is not None and self.objects.only_boxes

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of all classes, those of the objects first."""
        ordered = sorted(self.parts, key=lambda part: part.kind == "maps")
        return tuple(name for part in ordered for name in part.classes)

    @property
    def least_score(self) -> float:
        """The minimum score of objects with which the model is meant to be used."""
        return super().least_score if self.objects is None else self.objects.least_score

    def scored_from(self, threshold: float) -> Self:
        """Return the reading with another minimum score of objects."""
        parts = tuple(part.scored_from(threshold) for part in self.parts)
        return self.model_copy(update={"parts": parts})

    def read(self, outputs: Outputs, frame: Frame) -> Found:
        """Return the objects, and the maps of all parts joined."""
        found = [part.read(outputs, frame) for part in self.parts]
        objects = next((f.objects for f in found if f.objects is not None), None)
        maps = [f.maps for f in found if f.maps is not None]
        return Found(objects, _joined(maps) if maps else None)


def _joined(maps: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the classes of several maps in one; where the last ones are sure, they are in front.

    Raises
    ------
    InputError
        If their grids differ.
    """
    if len({m.shape[1:] for m in maps}) > 1:
        shapes = ", ".join(str(m.shape[1:]) for m in maps)
        raise InputError(f"The class maps of the model have different grids: {shapes}")
    joined = maps[0]
    for over in maps[1:]:
        joined = np.concatenate([joined * over[:1], over[1:]])
    return joined
