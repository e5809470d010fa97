"""The transforms before the network, as the preprocessing of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...core.errors import ModelError, printable
from ...network.monai_operations import (
    NormalizeIntensity,
    ScaleIntensity,
    ScalePercentiles,
)
from ...network.monai_operations import Window as ScaleRange
from ...network.normalize import Identity, Normalizer, Operations, Window

if TYPE_CHECKING:
    from ...network.operations import Operation
    from .monai_config import Config

_ALWAYS = ("_target_", "_desc_", "_requires_", "_mode_", "_disabled_", "keys", "allow_missing_keys")
_LINEAR = ("bilinear", "trilinear", "linear", 1)
_PACKAGES = ("", "monai.transforms")

Arguments = dict[str, Any]


@dataclass
class Inputs:
    """What the transforms do to an image, axes in MONAI's order (X, Y, Z).

    Attributes
    ----------
    reversed : bool
        Whether images are read with the axes (X, Y, Z), as MONAI does except for arrays of NumPy.
    late : bool
        Whether an intensity was scaled before the image was resampled.
    """

    orientation: str | None = None
    spacing: tuple[float, ...] | None = None
    size: tuple[int, ...] | None = None
    steps: list[Operation] = field(default_factory=list)
    reversed: bool = True
    late: bool = False
    warnings: list[str] = field(default_factory=list)

    @property
    def resamples(self) -> bool:
        """Whether the image is resampled to another grid."""
        return self.spacing is not None or self.size is not None

    @property
    def normalizer(self) -> Normalizer:
        """How intensities are scaled."""
        if not self.steps:
            return Identity()
        first = self.steps[0]
        if len(self.steps) == 1 and isinstance(first, ScaleRange) and first.is_usual:
            return Window(low=first.a_min, high=first.a_max, clip=first.clip)
        return Operations.model_validate({"steps": self.steps})


def transforms_of(config: Config, key: str) -> list[Arguments]:
    """Return the transforms of a key, as written; those of `Compose` or a list."""
    if not config.has(key):
        return []
    value = config.raw(key)
    for _ in range(8):  # a reference to a list of them, such as `$@transforms`
        if isinstance(value, str) and value.lstrip("$")[:1] == "@":
            value = config.raw(value.lstrip("$")[1:].replace("::", "#"))
        elif isinstance(value, dict) and "transforms" in value:
            value = value["transforms"]
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(t, dict) and "_target_" in t for t in found):
        raise ModelError(f"{config.path} does not state {key} as a list of transforms")
    return [t for t in found if not config.resolved(t.get("_disabled_", False))]


def transform_name(transform: Arguments) -> str:
    """Return the name of a transform without its suffix for dictionaries."""
    package, _, name = str(transform["_target_"]).rpartition(".")
    if not (package in _PACKAGES or package.startswith("monai.transforms.")):
        return str(transform["_target_"])
    for suffix in ("Dict", "D", "d"):
        if name.endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return name


def read_inputs(config: Config, key: str = "preprocessing") -> Inputs:
    """Return what the transforms before the network do.

    Raises
    ------
    ModelError
        If one of them is not supported.
    """
    inputs = Inputs()
    for transform in transforms_of(config, key):
        name = transform_name(transform)
        if not _of_image(config, transform):
            continue
        if name in _READERS:
            _READERS[name](inputs, _Given(config, name, transform))
        elif name in _NOT_APPLIED:
            inputs.warnings.append(f"{name} is not applied: {_NOT_APPLIED[name]}")
        elif name not in _NO_EFFECT:
            raise ModelError(
                f"The transform {printable(name)} before the network of {config.folder} is not "
                "supported",
                hint=f"Supported are {', '.join(sorted({*_READERS, *_NO_EFFECT}))}",
            )
    return inputs


def _of_image(config: Config, transform: Arguments) -> bool:
    """Return whether a transform changes the image, not only a label."""
    try:
        keys = config.resolved(transform.get("keys", "image"))
    except ModelError:
        return True
    return not isinstance(keys, str | list) or keys not in ("label", ["label"])


class _Given:
    """The arguments of a transform; those that were not asked for are refused."""

    def __init__(self, config: Config, name: str, transform: Arguments) -> None:
        self.config, self.name = config, name
        self.rest = {k: v for k, v in transform.items() if k not in _ALWAYS}

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of an argument."""
        return self.config.resolved(self.rest.pop(key)) if key in self.rest else default

    def one(self, key: str, default: Any = None) -> Any:
        """Return the value of an argument, the only one of a list."""
        value = self.get(key, default)
        return value[0] if isinstance(value, list) and len(value) == 1 else value

    def done(self, *unused: str, **only: Any) -> None:
        """Refuse further arguments, except those without effect, and some values."""
        for key in [k for k in self.rest if k in only]:
            if self.one(key) not in (only[key], None):
                raise self.error(key)
        left = [k for k in self.rest if k not in unused and k not in only]
        if left:
            raise self.error(left[0])

    def error(self, key: str) -> ModelError:
        """Return the error about an argument that is not supported."""
        return ModelError(
            f"The argument {printable(key)} of {self.name} in {self.config.path} is not supported "
            "with this value"
        )

    def numbers(self, key: str) -> tuple[float, ...]:
        """Return numbers, or raise."""
        value = self.get(key)
        value = value if isinstance(value, list) else [value]
        if not value or not all(isinstance(v, int | float) and v > 0 for v in value):
            raise self.error(key)
        return tuple(float(v) for v in value)


def _load(inputs: Inputs, given: _Given) -> None:
    reader = str(given.one("reader", ""))
    forward = given.get("reverse_indexing") is False and "ITK" not in reader
    inputs.reversed = not (forward or "Numpy" in reader)
    given.done("image_only", "dtype", "ensure_channel_first", "simple_keys", "meta_keys",
               "meta_key_postfix", "overwriting", "prune_meta_pattern", "prune_meta_sep",
               "expanduser", "affine_lps_to_ras")  # fmt: skip


def _orient(inputs: Inputs, given: _Given) -> None:
    codes = "RAS" if given.get("as_closest_canonical") else given.get("axcodes")
    if not isinstance(codes, str) or len(codes) != 3:
        raise given.error("axcodes")
    if inputs.spacing is not None and len(set(inputs.spacing)) > 1:
        inputs.warnings.append(
            "Spacingd comes before Orientationd: its voxel size is taken for the axes after it"
        )
    inputs.orientation = codes.upper()
    given.done("labels", "meta_keys", "meta_key_postfix", "lazy")


def _space(inputs: Inputs, given: _Given) -> None:
    inputs.spacing = given.numbers("pixdim")
    _mode(inputs, given)
    inputs.late = bool(inputs.steps)
    given.done("padding_mode", "align_corners", "dtype", "meta_keys", "meta_key_postfix", "lazy",
               "recompute_affine", "min_pixdim", "max_pixdim", "ensure_same_shape", "diagonal",
               scale_extent=False)  # fmt: skip


def _resize(inputs: Inputs, given: _Given) -> None:
    inputs.size = tuple(int(n) for n in given.numbers("spatial_size"))
    _mode(inputs, given, "area")
    inputs.late = bool(inputs.steps)
    given.done("align_corners", "anti_aliasing_sigma", "dtype", "lazy", size_mode="all",
               anti_aliasing=False)  # fmt: skip


def _mode(inputs: Inputs, given: _Given, default: str = "bilinear") -> None:
    mode = given.one("mode", default)
    mode = mode[0] if isinstance(mode, list) and mode else mode
    if mode not in _LINEAR:
        inputs.warnings.append(
            f"{given.name} interpolates with the mode {printable(str(mode))}: linear interpolation "
            "is used"
        )


def _scale_range(inputs: Inputs, given: _Given) -> None:
    low, high = given.get("b_min", None), given.get("b_max", None)
    if (low is None) != (high is None):
        raise given.error("b_min")
    a_min, a_max = given.get("a_min"), given.get("a_max")
    fields = {"a_min": a_min, "a_max": a_max, "clip": bool(given.get("clip", False))}
    if low is not None:
        fields |= {"b_min": low, "b_max": high}
    _add(inputs, given, ScaleRange, fields)


def _scale(inputs: Inputs, given: _Given) -> None:
    fields = {"minv": given.get("minv", 0.0), "maxv": given.get("maxv", 1.0),
              "channel_wise": given.get("channel_wise", False)}  # fmt: skip
    if given.get("factor") is not None:
        raise given.error("factor")
    _add(inputs, given, ScaleIntensity, fields)


def _normalize(inputs: Inputs, given: _Given) -> None:
    fields: Arguments = {k: given.get(k, False) for k in ("nonzero", "channel_wise")}
    for key in ("subtrahend", "divisor"):
        value = given.get(key)
        if value is not None:
            fields[key] = tuple(value) if isinstance(value, list) else (value,)
    _add(inputs, given, NormalizeIntensity, fields)


def _percentiles(inputs: Inputs, given: _Given) -> None:
    keys = ("lower", "upper", "b_min", "b_max", "clip", "relative", "channel_wise")
    fields = {key: given.get(key) for key in keys if key in given.rest}
    _add(inputs, given, ScalePercentiles, {k: v for k, v in fields.items() if v is not None})


def _add(inputs: Inputs, given: _Given, kind: type[Operation], fields: Arguments) -> None:
    from pydantic import ValidationError

    given.done("dtype")
    try:
        inputs.steps.append(kind.model_validate(fields))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "range"
        raise ModelError(
            f"The transform {given.name} in {given.config.path} is not valid: {where}: "
            f"{first['msg']}"
        ) from None


def _cast(inputs: Inputs, given: _Given) -> None:
    dtype = str(given.one("dtype", "float32"))
    if "float" not in dtype:
        raise given.error("dtype")


_READERS: dict[str, Callable[[Inputs, _Given], None]] = {
    "LoadImage": _load, "Orientation": _orient, "Spacing": _space, "Resize": _resize,
    "ScaleIntensityRange": _scale_range, "ScaleIntensity": _scale,
    "NormalizeIntensity": _normalize, "ScaleIntensityRangePercentiles": _percentiles,
    "CastToType": _cast,
}  # fmt: skip
_NO_EFFECT = (
    "EnsureChannelFirst", "AddChannel", "AsChannelFirst", "EnsureType", "ToTensor", "ToDevice",
    "FromMetaTensor", "Identity", "SelectItems", "DeleteItems", "CopyItems", "SimulateDelay",
)  # fmt: skip
_NOT_APPLIED = {
    "CropForeground": "the whole image is segmented, and its intensities count",
    "DivisiblePad": "images are padded to what the network takes",
    "SpatialPad": "images are padded to the window of the inferer",
}  # fmt: skip
