"""How images are prepared for the families of networks that come as ONNX files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...mask_sets.frame_options import FrameOptions
from ...mask_sets.readings import Boxes, BoxMasks, Prototypes, Queries, Stacked
from ...mask_sets.readings.recognize import RF_DETR
from ...network.normalize import AnyNormalizer, Standard, ZScore

if TYPE_CHECKING:
    from ...mask_sets.readings import Reading
    from .onnx_graph import Graph
    from .onnx_trial import Trial

_RGB, _BGR = ("red", "green", "blue"), ("blue", "green", "red")
_IMAGENET = Standard(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
_UNIT, _EIGHT_BIT = Standard(), Standard(scale=1.0)
_YOLACT = Standard(scale=1.0, mean=(123.68, 116.78, 103.94), std=(58.40, 57.12, 57.38))
_GRAY_BORDER = 114.0  # of YOLO
_LONGEST = 640
_ZERO_TO_ONE = 2.0  # means of networks that take 0 to 255 are larger


@dataclass(frozen=True)
class Prepared:
    """How images are prepared, and whether that is known or assumed.

    Attributes
    ----------
    sure : bool
        Whether intensities are scaled as the file or the family demands.
    """

    channels: tuple[str, ...]
    normalizer: AnyNormalizer
    frame: FrameOptions | None = None
    sure: bool = True

    @property
    def sentence(self) -> str:
        """Such as "RGB, 640 x 640 px, letterbox"."""
        parts = [_colours(self.channels)]
        if self.frame is not None:
            size = self.frame.fixed
            if size is not None:
                parts.append(f"{size[0]} x {size[1]} px")
            elif self.frame.longest is not None:
                parts.append(f"longer side {self.frame.longest} px")
            parts.append("" if self.frame.fit == "none" else self.frame.fit)
        parts.append(_scaling(self.normalizer))
        return "Input: " + ", ".join(part for part in parts if part)


def prepared(
    reading: Reading, trial: Trial, graph: Graph, name: str, longest: int, *, ultralytics: bool
) -> Prepared:
    """Return how images are prepared for a network with these outputs.

    Parameters
    ----------
    name : str
        Of the network's image input.
    longest : int
        The longer side of the training images where the file states it, else 0.
    ultralytics : bool
        Whether Ultralytics exported it, whose networks all take 0 to 1.
    """
    found = _of_family(reading, trial, longest)
    inside = _scaled_inside(graph, name)
    if trial.dtype.startswith(("uint", "int")) or inside == "bytes":
        return replace(found, normalizer=_EIGHT_BIT, sure=True)
    if inside == "unit" or ultralytics:
        return replace(found, normalizer=_UNIT, sure=True)
    return found


def _of_family(reading: Reading, trial: Trial, longest: int) -> Prepared:
    channels = _channels(trial)
    size, multiple = trial.runtime.size, trial.runtime.multiple
    main = (reading.objects or reading) if isinstance(reading, Stacked) else reading
    colour = len(channels) == 3 and trial.runtime.spatial_dims == 2
    if main.kind == "maps":
        return Prepared(channels, _IMAGENET if colour else ZScore(), sure=False)

    def whole(fit: str, **options: object) -> FrameOptions:
        lengths = {"size": size} if size else {"multiple": multiple}
        return FrameOptions.model_validate({"fit": fit, **lengths, **options})

    photograph = {"longest": longest} if longest else {"shortest": 800, "longest": 1333}
    if isinstance(main, Prototypes | Boxes) and main.layout in ("v5", "v8", "end_to_end", "levels"):
        free = {} if size else {"longest": longest or _LONGEST}
        frame = whole("letterbox", pad_value=_GRAY_BORDER, antialias=False, **free)
        return Prepared(channels, _UNIT, frame)
    if isinstance(main, Prototypes):
        return Prepared(channels, _YOLACT if colour else _UNIT, _stretched(size, longest or 550))
    if isinstance(main, BoxMasks) and not main.pasted and colour:
        frame = whole("pad") if size else whole("pad", **photograph)
        return Prepared(_BGR, _EIGHT_BIT, frame)
    if isinstance(main, BoxMasks) or (isinstance(main, Boxes) and main.layout == "lists"):
        return Prepared(channels, _UNIT, whole("stretch") if size else whole("none"))
    if isinstance(main, Boxes) and main.layout == "queries" and _is_rt_detr(main):
        return Prepared(channels, _UNIT, _stretched(size, longest or _LONGEST))
    if isinstance(main, Queries | Boxes) and size:
        return Prepared(channels, _IMAGENET if colour else ZScore(), whole("stretch"))
    frame = whole("pad", **photograph)
    return Prepared(channels, _IMAGENET if colour else ZScore(), frame)


def _is_rt_detr(reading: Boxes) -> bool:
    """Return whether a reading of queries is that of RT-DETR or D-FINE, not of RF-DETR or DETR."""
    return reading.activation == "sigmoid" and not RF_DETR & set(reading.outputs)


def _stretched(size: tuple[int, ...], side: int) -> FrameOptions:
    return FrameOptions(fit="stretch", size=size or (side, side))


def _channels(trial: Trial) -> tuple[str, ...]:
    count = trial.runtime.in_channels
    if count == 1:
        return ("image",)
    if count == 3 and trial.runtime.spatial_dims == 2:
        return _RGB
    return tuple(f"channel {i + 1}" for i in range(count))


def _scaled_inside(graph: Graph, name: str) -> str:
    """Return what a network that scales intensities itself takes: "bytes", "unit" or ""."""
    for operator, values in graph.first_steps(name):
        largest = float(abs(values).max(initial=0))
        if operator in ("Sub", "Add"):
            return "bytes" if largest > _ZERO_TO_ONE else "unit"
        if operator == "Div":
            return "bytes" if largest > _ZERO_TO_ONE else "unit"
        if operator == "Mul":
            return "bytes" if 0 < largest < 0.1 else "unit"
    return ""


def _colours(channels: tuple[str, ...]) -> str:
    known = {_RGB: "RGB", _BGR: "BGR", ("image",): "1 channel"}
    return known.get(channels, f"{len(channels)} channels")


def _scaling(normalizer: AnyNormalizer) -> str:
    if isinstance(normalizer, Standard):
        if normalizer == _IMAGENET:
            return "means and standard deviations of ImageNet"
        if (normalizer.mean, normalizer.std) == ((0.0,), (1.0,)):
            return f"0 to {255 * normalizer.scale:g}"
        return "means and standard deviations by channel"
    if isinstance(normalizer, ZScore):
        return "mean 0 and standard deviation 1"
    return str(normalizer.name)
