"""The inferer of a MONAI bundle as a tiling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ...core.errors import ModelError, printable
from ...network.sliding_windows import Sliding
from ...network.tile_layout import Tiling

if TYPE_CHECKING:
    from ...network.architectures import Architecture
    from .monai_config import Config

_PADDING = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
_WINDOWS = ("SlidingWindowInferer", "SlidingWindowInfererAdapt", "SliceInferer",
            "SlidingWindowHoVerNetInferer")  # fmt: skip
_UNUSED = ("_target_", "sw_batch_size", "sw_device", "device", "progress", "cache_roi_weight_map",
           "cpu_thresh", "buffer_steps", "buffer_dim", "_requires_", "_desc_", "_disabled_",
           "extra_input_padding", "with_coord", "roi_weight_map", "_mode_")  # fmt: skip
_WHOLE = {2: 4096, 3: 256}  # px: images up to this length run in one piece
_LONGEST = 2**12  # px of a window


def read_tiling(config: Config, architecture: Architecture, turn: bool) -> tuple[Tiling, list[str]]:
    """Return the tiling of the inferer, and warnings.

    Parameters
    ----------
    turn : bool
        Whether the bundle's axes are in reversed order.

    Raises
    ------
    ModelError
        If it is none of MONAI's, or has other arguments.
    """
    dims = architecture.spatial_dims
    whole = Tiling(tile=_WHOLE[dims], halo=32, mirror=0)
    if not config.has("inferer"):
        return architecture.fit_tiling(whole), ["The bundle states no inferer"]
    raw = config.raw("inferer")
    raw = config.raw(raw[1:]) if isinstance(raw, str) and raw.startswith("@") else raw
    target = str(raw.get("_target_", "")) if isinstance(raw, dict) else str(raw)
    package, _, name = target.rpartition(".")
    if package and not package.startswith("monai."):
        name = target
    if name == "SimpleInferer":
        return architecture.fit_tiling(whole), []
    if name not in _WINDOWS:
        raise ModelError(
            f"The inferer {printable(target)!r} in {config.path} is not supported",
            hint=f"Supported are SimpleInferer, {', '.join(_WINDOWS)}",
        )
    given = {k: config.resolved(v) for k, v in raw.items() if k not in _UNUSED}
    if name == "SliceInferer":
        _check_slices(given, architecture, config)
    fields = _fields(given, dims, architecture, config)
    if turn:
        fields["roi"], fields["overlap"] = fields["roi"][::-1], fields["overlap"][::-1]
    try:
        sliding = Sliding.model_validate(fields)
    except ValidationError as error:
        raise ModelError(
            f"The inferer in {config.path} is not valid: {error.errors()[0]['msg']}"
        ) from None
    if 0 in sliding.roi:
        return Tiling(tile=_LONGEST, mirror=0, exact=True, sliding=sliding), []
    return Tiling(
        tile=max(sliding.roi), tiles=sliding.roi, mirror=0, exact=True, sliding=sliding
    ), []


def _check_slices(given: dict[str, Any], architecture: Architecture, config: Config) -> None:
    axis = given.pop("spatial_dim", 0)
    if architecture.spatial_dims != 2 or axis not in (2, -1):
        raise ModelError(
            f"The SliceInferer in {config.path} takes slices along axis {axis}: only slices along "
            "the last one, Z, are supported"
        )


def _fields(
    given: dict[str, Any], dims: int, architecture: Architecture, config: Config
) -> dict[str, Any]:
    roi, overlap = given.pop("roi_size", None), given.pop("overlap", 0.25)
    lengths = list(roi) if isinstance(roi, list) else [roi] * dims
    lengths = [0 if n is None or n <= 0 else n for n in lengths if n is None or _is_int(n)]
    if len(lengths) != dims or max(lengths) > _LONGEST:
        raise ModelError(f"The roi_size {roi} in {config.path} does not fit a {dims}D network")
    shares = list(overlap) if isinstance(overlap, list) else [overlap] * dims
    if len(shares) != dims or not all(isinstance(s, int | float) for s in shares):
        raise ModelError(f"The overlap {overlap} in {config.path} does not fit a {dims}D network")
    padding = str(given.pop("padding_mode", "constant"))
    fields = {
        "roi": tuple(lengths),
        "overlap": tuple(float(s) for s in shares),
        "blend": str(given.pop("mode", "constant")).lower(),
        "sigma": given.pop("sigma_scale", 0.125),
        "padding": _PADDING.get(padding, padding),
        "rim": getattr(architecture, "rim", 0),
    }
    value = given.pop("cval", 0)
    if given or value:
        what = next(iter(given), "cval")
        raise ModelError(
            f"The argument {printable(what)} of the inferer in {config.path} is not supported"
        )
    return fields


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
