"""What was understood of a model to import, before it is saved."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, field_validator

from ...core.options import Offer, Options
from ...mask_sets.readings import AnyReading
from ...network.normalize import AnyNormalizer

if TYPE_CHECKING:
    from ..model_info import ModelInfo


class ImportSettings(Options):
    """What a user can correct when a model is imported; the default of each is what is found."""

    model_name: Annotated[str | None, Offer(flag="name", label="Name")] = Field(
        None, description="Name of the model here. Default: that of the file or folder."
    )
    licence: str | None = Field(None, description="Licence of the weights, such as MIT.")
    classes: tuple[str, ...] = Field(
        (), description="Names of the classes in the order of their ids, without the background."
    )
    object_size: float | None = Field(
        None,
        gt=0,
        description="Diameter, px, of the objects in the training images; other images are "
        "rescaled.",
    )
    channels: tuple[str, ...] = Field(
        (), description="Names of the input channels in their order, such as blue, green, red."
    )
    normalizer: Annotated[AnyNormalizer | None, Offer(advanced=True)] = Field(
        None,
        description='How intensities are scaled, as JSON, such as {"name": "z-score"}. '
        "Default: that of the family.",
    )
    input_size: Annotated[int | None, Offer(advanced=True)] = Field(
        None,
        ge=16,
        description="Longer side, px, to which images are resized if the network takes any.",
    )
    reading: Annotated[AnyReading | None, Offer(advanced=True)] = Field(
        None, description="The meaning of the outputs, as JSON. Default: found by their shapes."
    )
    trust: bool = Field(
        False, description="Run this file although it can hold code (TorchScript, pickles)."
    )

    @field_validator("normalizer", "reading", mode="before")
    @classmethod
    def _of_json(cls, value: Any) -> Any:
        """Return what a text in JSON holds, or a name stands for."""
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            return {"name": value}


@dataclass(frozen=True, eq=False)
class Proposal:
    """A model that can be saved, and what was understood of it.

    Attributes
    ----------
    info : ModelInfo
        Its description.
    understood : tuple of str
        Sentences for the user: the outputs, the input, where it was trained, checks that were run.
    warnings : tuple of str
        What may be wrong.
    write : callable
        Writes all but the description into an empty folder: files of the network and, for a network
        of ours, its definition.
    card : str
        The model card, Markdown.
    """

    info: ModelInfo
    understood: tuple[str, ...]
    write: Callable[[Path], None]
    warnings: tuple[str, ...] = ()
    card: str = ""
