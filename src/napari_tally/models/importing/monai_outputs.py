"""The transforms after the network, and the classes, as the head of a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...core.errors import ModelError, printable
from ...heads import Semantic
from ...heads.hover import Hover
from ...heads.panoptic import Panoptic, PanopticClass
from ...heads.regions import MOST, Regions
from .monai_transforms import transform_name, transforms_of

if TYPE_CHECKING:
    from ...heads.base import Head
    from ...network.architectures import Architecture
    from .monai_config import Config

_NO_EFFECT = (
    "EnsureType", "Invert", "SaveImage", "FlattenSubKeys", "FromMetaTensor", "ToTensor", "ToDevice",
    "DeleteItems", "SelectItems", "CopyItems", "EnsureChannelFirst", "SqueezeDim", "CastToType",
    "HoVerNetNuclearTypePostProcessing", "RestoreLabel",
)  # fmt: skip
_HOVER = {"sobel_kernel_size": "kernel", "marker_threshold": "border", "marker_radius": "radius",
          "min_object_size": "least_object"}  # fmt: skip
_SURE_SIGMOID = 0.5


@dataclass
class Outputs:
    """What the transforms after the network do.

    Attributes
    ----------
    activation : str
        "softmax", "sigmoid" or "".
    threshold : float, optional
        Of probabilities.
    largest : tuple of int
        Classes of which the largest connected component is kept.
    hover : dict
        Parameters of the head for HoVerNet.
    """

    activation: str = ""
    threshold: float | None = None
    argmax: bool = False
    largest: tuple[int, ...] = ()
    hover: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def read_outputs(config: Config, key: str = "postprocessing") -> Outputs:
    """Return what the transforms after the network do; what is not translated is a warning."""
    found = Outputs()
    for transform in transforms_of(config, key):
        name = transform_name(transform).rpartition(".")[2]
        given = {k: v for k, v in transform.items() if k not in ("_target_", "keys")}
        if name == "Activations":
            _activation(found, config, given)
        elif name == "AsDiscrete":
            _discrete(found, config, given)
        elif name == "KeepLargestConnectedComponent":
            _largest(found, config, given)
        elif name in ("HoVerNetInstanceMapPostProcessing", "HoVerNetInstanceMapPostProcessingd"):
            values = {k: config.resolved(given[k]) for k in _HOVER if k in given}
            found.hover = {_HOVER[k]: v for k, v in values.items()}
        elif name not in _NO_EFFECT:
            what = given.get("func", given.get("other"))
            code = f" ({printable(str(what)[:120])})" if what is not None else ""
            found.warnings.append(
                f"{printable(name)} after the network is not applied{code}: results may differ"
            )
    return found


def _activation(found: Outputs, config: Config, given: dict[str, Any]) -> None:
    for name in ("softmax", "sigmoid"):
        if config.resolved(given.get(name, False)) in (True, [True]):
            found.activation = name
    if given.get("other") is not None:
        raise ModelError(
            f"Activationsd in {config.path} has the function {printable(str(given['other'])[:120])}"
            ", and code of a bundle is not run",
            hint="Replace it by softmax or sigmoid",
        )


def _discrete(found: Outputs, config: Config, given: dict[str, Any]) -> None:
    found.argmax |= config.resolved(given.get("argmax", False)) in (True, [True])
    threshold = config.resolved(given.get("threshold"))
    threshold = threshold[0] if isinstance(threshold, list) and threshold else threshold
    if isinstance(threshold, int | float) and not isinstance(threshold, bool):
        found.threshold = float(threshold)


def _largest(found: Outputs, config: Config, given: dict[str, Any]) -> None:
    labels = config.resolved(given.get("applied_labels"))
    labels = [labels] if isinstance(labels, int) else labels
    if labels is None:
        found.largest = (-1,)  # all
    elif isinstance(labels, list) and all(isinstance(n, int) and n >= 0 for n in labels):
        found.largest = tuple(n for n in labels if n)
    if not config.resolved(given.get("independent", True)):
        found.warnings.append(
            "KeepLargestConnectedComponentd keeps one component of all classes together: here the "
            "largest of each class is kept"
        )
    if config.resolved(given.get("num_components", 1)) != 1:
        found.warnings.append("KeepLargestConnectedComponentd keeps one component, not several")


def head_of(
    outputs: Outputs, architecture: Architecture, metadata: dict[str, Any], given: tuple[str, ...]
) -> tuple[Head, list[str]]:
    """Return the head for the outputs of a network, and warnings.

    Parameters
    ----------
    given : tuple of str
        Names of the classes that the user sets, without the background.
    """
    if architecture.name == "HoVerNet":
        return _hover(outputs, architecture, metadata, given)
    count = architecture.out_channels
    softmax = outputs.activation == "softmax" or (outputs.argmax and count > 1)
    stated = outputs.activation or outputs.argmax or outputs.threshold is not None
    usual = "softmax" if count > 1 else "sigmoid"
    warnings = [] if stated else [f"The bundle states no activation: {usual} is assumed"]
    if softmax or (not stated and count > 1):
        if count < 2:
            raise ModelError("The bundle applies a softmax to one channel, which is always 1")
        names, unknown = _names(metadata, count, True, given)
        largest = tuple(range(1, count)) if outputs.largest == (-1,) else outputs.largest
        return Semantic(classes=names, largest=largest), warnings + unknown
    if count > MOST:
        raise ModelError(f"{count} classes that overlap: at most {MOST} are supported")
    names, unknown = _names(metadata, count, False, given)
    if outputs.largest:
        warnings.append("KeepLargestConnectedComponentd is not applied to classes that overlap")
    return Regions(classes=names, threshold=_probability(outputs)), warnings + unknown


def _probability(outputs: Outputs) -> float:
    """Return the threshold as a probability; without an activation it is one of logits."""
    from math import exp

    threshold = outputs.threshold
    if threshold is None:
        return _SURE_SIGMOID
    if outputs.activation != "sigmoid":
        threshold = 1 / (1 + exp(-max(-30.0, min(30.0, threshold))))
    return min(max(threshold, 1e-6), 1 - 1e-6)


def _hover(
    outputs: Outputs, architecture: Architecture, metadata: dict[str, Any], given: tuple[str, ...]
) -> tuple[Head, list[str]]:
    objects = Hover.model_validate(outputs.hover)
    types = int(getattr(architecture, "out_classes", 0))
    if not types:
        return objects, []
    names, warnings = _names(metadata, types, True, given, "type_prediction")
    classes = tuple(PanopticClass(name=name, kind="thing") for name in names)
    return Panoptic(classes=classes, objects=objects), warnings


def _names(
    metadata: dict[str, Any],
    count: int,
    background: bool,
    given: tuple[str, ...],
    output: str = "pred",
) -> tuple[tuple[str, ...], list[str]]:
    """Return the names of the classes without the background, and a warning if they are unknown."""
    wanted = count - background
    if given:
        if len(given) != wanted:
            raise ModelError(f"{len(given)} classes were given, but the network has {wanted}")
        return given, []
    outputs = _dict(_dict(metadata.get("network_data_format")).get("outputs"))
    entry = outputs.get(output) or next(iter(outputs.values()), None)
    stated = _dict(_dict(entry).get("channel_def"))
    names = [printable(str(stated.get(str(i), "")))[:80] for i in range(len(stated))]
    names = names[1:] if background and len(names) == count else names
    if len(names) == wanted and all(names) and len(set(names)) == wanted:
        return tuple(names), []
    usual = ("object",) if wanted == 1 else tuple(f"class {i}" for i in range(1, wanted + 1))
    return usual, [
        "The bundle does not name its classes (channel_def)"
        if not names
        else f"The bundle names {len(stated)} channels, but its network has {count}: classes are "
        "numbered"
    ]


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
