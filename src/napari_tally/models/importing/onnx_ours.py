"""Import ONNX files that this package exported: they hold the description of the model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pydantic import ValidationError

from ...core.errors import ModelError, TallyError, sentence
from ...mask_sets.readings import ClassMaps
from ..bundle import BLOCK
from ..model_info import ModelInfo

if TYPE_CHECKING:
    from ...network.runtimes import Runtime
    from .onnx_graph import Graph
    from .onnx_trial import Trial
    from .proposal import ImportSettings


def described(graph: Graph, trial: Trial, settings: ImportSettings) -> ModelInfo | None:
    """Return the description that a file holds, with what runs and reads it; None if it has none.

    Raises
    ------
    ModelError
        If it is damaged, of a later version, or of another network.
    """
    text = graph.metadata.get(BLOCK)
    if text is None:
        return None
    try:
        block = json.loads(text)
    except (RecursionError, ValueError) as error:
        raise _invalid(graph.path.name, error) from error
    info = completed(block, trial.runtime, graph.path.name, settings)
    _check(info, trial, graph.path.name)
    return info


def completed(block: object, runtime: Runtime, where: str, settings: ImportSettings) -> ModelInfo:
    """Return a description that this package wrote, with what runs and reads the network.

    Raises
    ------
    ModelError
        If it is damaged or of a later version.
    """
    if not isinstance(block, dict):
        raise ModelError(f"The description in {where} is no JSON object")
    values = dict(block)
    if values.get("runtime") is None:  # a network of ours, whose maps are those of its head
        values["reading"] = ClassMaps(activation="none").model_dump(mode="json")
    try:
        info = ModelInfo.model_validate(
            {**values, "runtime": runtime.model_dump(mode="json"), "mirrored": ()}
        )
    except (ValidationError, TallyError, RecursionError, ValueError) as error:
        raise _invalid(where, error) from error
    changes: dict[str, object] = {"name": settings.model_name} if settings.model_name else {}
    changes |= {"licence": settings.licence} if settings.licence else {}
    return info.model_copy(update=changes)


def _invalid(where: str, error: Exception) -> ModelError:
    return ModelError(f"The description in {where} is not valid: {sentence(error).rstrip('.')}")


def _check(info: ModelInfo, trial: Trial, name: str) -> None:
    """Refuse a description of another network."""
    channels = info.head.channels(trial.runtime.spatial_dims)
    maps = [shape[1] for shape in trial.outputs.values() if len(shape) > 3]
    inputs = len(info.preprocessing.channels)
    if maps != [channels] or inputs != trial.runtime.in_channels:
        raise ModelError(
            f"The description in {name} asks for {inputs} input channels and {channels} maps, "
            f"but its network has {trial.runtime.in_channels} and {maps}"
        )
