"""How a Hugging Face model takes its images, from `preprocessor_config.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...core.errors import ModelError
from ...mask_sets.frame_options import FrameOptions
from ...network.normalize import Percentile, Standard
from ...network.tile_layout import Tiling

if TYPE_CHECKING:
    from ...network.runtimes.transformers_families import Family

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet
_HALF = (0.5, 0.5, 0.5)
_HALVES = ("BEiT", "Data2Vec", "DPT", "DeepLab v3+ with MobileNet v2")  # their own defaults
_UNNORMALIZED = ("RT-DETR", "RT-DETR v2", "D-FINE", "MobileViT", "MobileViT v2")
_MULTIPLE, _TILE = 32, 512
_LARGEST = 2**13  # px


def channel_names(count: int, processor: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of the channels, in the order in which the network takes them."""
    if count == 3:
        colours = ("red", "green", "blue")
        return colours[::-1] if processor.get("do_flip_channel_order") else colours
    return ("image",) if count == 1 else tuple(f"channel {i}" for i in range(1, count + 1))


def channel_count(config: dict[str, Any]) -> int:
    """Return the number of input channels.

    Raises
    ------
    ModelError
        If it is none.
    """
    inner = config.get("backbone_config")
    inner = inner if isinstance(inner, dict) else {}
    count = inner.get("num_channels", config.get("num_channels", 3))
    if not isinstance(count, int) or not 1 <= count <= 256:
        raise ModelError(f"config.json sets num_channels to {count!r}, which is no such number")
    return count


def normalizer_of(
    processor: dict[str, Any], family: Family, channels: int
) -> Standard | Percentile:
    """Return the scaling of intensities; percentiles where none is known for such images.

    Raises
    ------
    ModelError
        If its numbers do not fit the channels.
    """
    if not processor and channels != 3:
        return Percentile()
    scale = _number(processor.get("rescale_factor", 1 / 255), "rescale_factor")
    if not processor.get("do_rescale", True):
        scale = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    if processor.get("do_normalize", family.title not in _UNNORMALIZED):
        half = family.title in _HALVES
        mean = _numbers(processor, "image_mean", _HALF if half else _MEAN, channels)
        std = _numbers(processor, "image_std", _HALF if half else _STD, channels)
    return Standard(scale=scale, mean=mean, std=std)


def frame_of(processor: dict[str, Any], family: Family, fixed: tuple[int, ...]) -> FrameOptions:
    """Return how whole images are resized for a network that finds masks or boxes.

    Raises
    ------
    ModelError
        If the sizes are no sizes.
    """
    if fixed:
        return FrameOptions(fit="pad" if processor.get("do_pad") else "stretch", size=fixed)
    divisor = processor.get("size_divisor") or processor.get("size_divisibility") or 1
    multiple = _length(divisor, "size_divisor")
    size = processor.get("size")
    if not processor.get("do_resize", True) or not size:
        return FrameOptions(fit="none", multiple=max(multiple, _MULTIPLE))
    if isinstance(size, (int, float)):
        longest = processor.get("max_size")
        size = {"shortest_edge": size, **({"longest_edge": longest} if longest else {})}
    if not isinstance(size, dict):
        raise ModelError(f"preprocessor_config.json sets size to {str(size)[:80]}")
    if "height" in size and "width" in size:
        shape = _length(size["height"], "height"), _length(size["width"], "width")
        return FrameOptions(fit="stretch", size=shape)
    edges: dict[str, int] = {
        ours: _length(size[theirs], theirs)
        for ours, theirs in (("shortest", "shortest_edge"), ("longest", "longest_edge"))
        if size.get(theirs)
    }
    if not edges and "max_height" in size and "max_width" in size:
        edges = {"longest": min(_length(size[k], k) for k in ("max_height", "max_width"))}
    if not edges:
        return FrameOptions(fit="none", multiple=max(multiple, _MULTIPLE))
    return FrameOptions(fit="pad", multiple=multiple, **edges)


def tiling_of(processor: dict[str, Any], fixed: tuple[int, ...]) -> Tiling:
    """Return the tiles of a network that gives class maps: of the size of its training images."""
    if fixed:
        return Tiling(tile=fixed[0], halo=fixed[0] // 8, mirror=0, exact=True)
    size = processor.get("size")
    size = size if isinstance(size, dict) else {"shortest_edge": size}
    found = size.get("height") or size.get("shortest_edge") or _TILE
    tile = max(_MULTIPLE, _length(found, "size") // _MULTIPLE * _MULTIPLE)
    return Tiling(tile=tile, halo=tile // 8, mirror=0)


def fixed_size(config: dict[str, Any], family: Family) -> tuple[int, ...]:
    """Return the height and width of a network of one size, else ().

    Raises
    ------
    ModelError
        If it is no size.
    """
    if not family.one_size:
        return ()
    size = config.get("image_size", {"DPT": 384, "EoMT": 640}.get(family.title, 224))
    pair = size if isinstance(size, list) else [size, size]
    if len(pair) != 2:
        raise ModelError(f"config.json sets image_size to {str(size)[:80]}")
    return tuple(_length(n, "image_size") for n in pair)


def multiple_of(config: dict[str, Any]) -> int:
    """Return what the lengths of inputs are multiples of: windows of patches of RF-DETR, else 32.

    Raises
    ------
    ModelError
        If it is no length.
    """
    inner = config.get("backbone_config")
    if not isinstance(inner, dict) or not str(inner.get("model_type")).startswith("rf_detr_dino"):
        return _MULTIPLE
    patch = _length(inner.get("patch_size", 14), "patch_size")
    return patch * _length(inner.get("num_windows", 4), "num_windows")


def _length(value: object, name: str) -> int:
    if not isinstance(value, (int, float)) or not 1 <= value <= _LARGEST:
        raise ModelError(f"The preprocessing sets {name} to {str(value)[:80]}, which is no size")
    return int(value)


def _number(value: object, name: str) -> float:
    if not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise ModelError(f"preprocessor_config.json sets {name} to {str(value)[:80]}")
    return float(value)


def _numbers(
    processor: dict[str, Any], name: str, default: tuple[float, ...], channels: int
) -> tuple[float, ...]:
    """Return one number for each channel, or one for all."""
    given = processor.get(name, default if channels == 3 else default[:1])
    listed = given if isinstance(given, (list, tuple)) else [given]
    if len(listed) not in (1, channels) or not all(
        isinstance(value, (int, float)) for value in listed
    ):
        raise ModelError(
            f"preprocessor_config.json sets {name} to {str(given)[:80]}, but the network takes "
            f"{channels} channels"
        )
    return tuple(float(v) for v in listed)
