"""The plans of nnU-Net v2 in terms of ours: network, grid, intensities, classes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ...core.errors import ModelError, TallyError, printable, sentence
from ...heads import Regions, Semantic
from ...network.architectures import (
    ARCHITECTURES,
    Architecture,
    PlainConvUNet,
    ResidualEncoderUNet,
)  # fmt: skip
from ...network.nnunet_intensities import Scheme
from ...network.normalize import NnUNet
from ...network.sliding_windows import Sliding
from ...network.tile_layout import Tiling

AXES = "ZYX"
_NETWORKS = {"PlainConvUNet": PlainConvUNet, "ResidualEncoderUNet": ResidualEncoderUNet}
_SCHEMES = {
    "CTNormalization": "ct", "ZScoreNormalization": "z-score", "RescaleTo01Normalization": "0-1",
    "NoNormalization": "none", "RGBTo01Normalization": "rgb",
}  # fmt: skip
_PICTURES = (".png", ".bmp", ".jpg", ".jpeg")
_UNUSUAL = ("block", "bottleneck_channels", "stem_channels", "nonlin_first")  # of a network
_DEEPEST = 20  # configurations that inherit from each other


@dataclass(frozen=True)
class Plans:
    """One configuration of `plans.json`, with the data set that it is for."""

    name: str
    plans: dict[str, Any]
    configuration: dict[str, Any]
    dataset: dict[str, Any]

    @property
    def dims(self) -> int:
        """Spatial axes of the network."""
        return len(_list(self.configuration, "patch_size"))

    @property
    def order(self) -> tuple[int, ...]:
        """The axis of the network that is each of ours, (Z, Y, X) or (Y, X)."""
        forward = [int(a) for a in self.plans.get("transpose_forward") or (0, 1, 2)]
        if sorted(forward) != [0, 1, 2]:
            raise ModelError(f"transpose_forward in the plans is {forward}")
        if self.dims == 3:
            return tuple(forward.index(axis) for axis in range(3))
        if forward[0] != 0:
            raise ModelError(
                f"The 2D network takes slices across {AXES[forward[0]]}, not Z",
                hint="Import the 3D configuration",
            )
        return tuple(forward[1:].index(axis) for axis in (1, 2))

    def ours(self, values: Any) -> tuple[Any, ...]:
        """Return numbers of the axes of the network in the order of ours."""
        return tuple(values[axis] for axis in self.order)

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the input channels."""
        named = self.dataset.get("channel_names", self.dataset.get("modality"))
        if not isinstance(named, dict) or not named:
            raise ModelError("dataset.json has no channel_names")
        return tuple(str(named[key]) for key in sorted(named, key=_number))

    @property
    def head(self) -> Semantic | Regions:
        """The head of the classes."""
        names, regions = self._labels()
        return Regions(classes=names) if regions else Semantic(classes=names)

    def _labels(self) -> tuple[tuple[str, ...], bool]:
        labels = self.dataset.get("labels")
        if not isinstance(labels, dict) or labels.get("background") != 0:
            raise ModelError("dataset.json has no labels with the background 0")
        given = {str(n): v for n, v in labels.items() if n != "ignore" and v not in (0, [0])}
        if not given:
            raise ModelError("dataset.json has no label beside the background")
        if any(isinstance(v, list) and len(v) > 1 for v in given.values()):
            order = self.dataset.get("regions_class_order")
            if not isinstance(order, list) or len(order) != len(given):
                raise ModelError("dataset.json has regions without a matching regions_class_order")
            return tuple(given), True
        ids = {n: _number(v[0] if isinstance(v, list) else v) for n, v in given.items()}
        return tuple(sorted(ids, key=ids.__getitem__)), False

    @property
    def spacing(self) -> tuple[float, ...] | None:
        """Size of a voxel, None for pictures without one."""
        spacing = _list(self.configuration, "spacing")
        reader = str(self.plans.get("image_reader_writer", ""))
        ending = str(self.dataset.get("file_ending", ""))
        if "NaturalImage" in reader or ending in _PICTURES:
            return None
        if self.is_tiff and set(spacing) == {1}:
            return None
        return self.ours([float(s) for s in spacing])

    @property
    def is_tiff(self) -> bool:
        """Whether the data were TIFF files, whose voxel size has no unit."""
        return str(self.dataset.get("file_ending", "")) in (".tif", ".tiff")

    @property
    def orientation(self) -> str | None:
        """Directions of the axes, None if images were taken as they are."""
        reader = str(self.plans.get("image_reader_writer", ""))
        return "RAS" if reader == "NibabelIOWithReorient" and self.dims == 3 else None

    @property
    def normalizer(self) -> NnUNet:
        """How intensities are scaled."""
        schemes = _list(self.configuration, "normalization_schemes")
        masks = self.configuration.get("use_mask_for_norm") or [False] * len(schemes)
        measured = self.plans.get("foreground_intensity_properties_per_channel") or self.plans.get(
            "foreground_intensity_properties_by_modality", {}
        )
        if not len(schemes) == len(masks) == len(self.channels):
            raise ModelError(
                f"The plans have {len(schemes)} normalization schemes for "
                f"{len(self.channels)} channels"
            )
        made = [
            self._scheme(*each, measured) for each in enumerate(zip(schemes, masks, strict=True))
        ]
        return NnUNet(channels=tuple(made))

    def _scheme(self, number: int, both: tuple[Any, Any], measured: Any) -> Scheme:
        name, masked = str(both[0]), both[1]
        kind = _SCHEMES.get(name)
        if kind is None:
            raise ModelError(
                f"The plans name the normalization {printable(name)[:80]}, which is not known",
                hint=f"Known are {', '.join(_SCHEMES)}",
            )
        if kind != "ct":
            return Scheme.model_validate({"kind": kind, "masked": masked and kind == "z-score"})
        of_channel = measured.get(str(number), {}) if isinstance(measured, dict) else {}
        try:
            return Scheme.model_validate(
                {
                    "kind": kind,
                    "low": of_channel["percentile_00_5"],
                    "high": of_channel["percentile_99_5"],
                    "mean": of_channel["mean"],
                    "std": of_channel["std"],
                }
            )
        except KeyError as error:
            raise ModelError(f"The plans lack {error} of the intensities of {number}") from None

    @property
    def tiling(self) -> Tiling:
        """Windows of the patch size, half overlapping, weighted by a Gaussian."""
        patch = self.ours([int(n) for n in _list(self.configuration, "patch_size")])
        sliding = Sliding(roi=patch, overlap=(0.5,), blend="gaussian", even=True)
        return Tiling(tile=max(16, *patch), exact=True, tiles=patch, sliding=sliding)

    @property
    def architecture(self) -> Architecture:
        """The network.

        Raises
        ------
        ModelError
            If it is none of ours.
        """
        name, fields = _network(self.configuration, self.dims)
        if name not in _NETWORKS:
            raise ModelError(
                f"The plans name the network {printable(name)[:120]}, which is not known",
                hint=f"Known are {', '.join(_NETWORKS)}",
            )
        blocks = "n_conv_per_stage" if name == "PlainConvUNet" else "n_blocks_per_stage"
        stages = int(fields.get("n_stages", 0))
        if not 2 <= stages <= 16:
            raise ModelError(f"The network in the plans has {stages} stages")
        count = len(self.head.classes) + (not isinstance(self.head, Regions))
        return ARCHITECTURES[name].model_validate(
            {
                "spatial_dims": self.dims,
                "in_channels": len(self.channels),
                "out_channels": count,
                "features_per_stage": _repeated(fields["features_per_stage"], stages),
                "kernel_sizes": self._sizes(fields["kernel_sizes"], stages),
                "strides": self._sizes(fields["strides"], stages),
                "counts": _repeated(fields[blocks], stages),
                "decoder_counts": _repeated(fields["n_conv_per_stage_decoder"], stages - 1),
                "conv_bias": bool(fields.get("conv_bias", False)),
                **_layers(fields, self.dims),
            }
        )

    def _sizes(self, given: Any, stages: int) -> list[tuple[int, ...]]:
        each = _repeated(given, stages)
        return [self.ours(s if isinstance(s, list) else [s] * self.dims) for s in each]


def read_plans(plans: dict[str, Any], dataset: dict[str, Any], name: str) -> Plans:
    """Return a configuration of the plans.

    Raises
    ------
    ModelError
        If there is none of that name, or it is the second stage of a cascade.
    """
    found = _configuration(plans, name)
    if found.get("previous_stage"):
        raise ModelError(
            f"{name} is the second stage of a cascade: it takes the result of "
            f"{printable(str(found['previous_stage']))[:80]} as further channels",
            hint="Import 3d_fullres or 3d_lowres",
        )
    return Plans(name, plans, found, dataset)


@contextmanager
def one_sentence() -> Iterator[None]:
    """Raise whatever is wrong with plans as a `ModelError`."""
    try:
        yield
    except TallyError:
        raise
    except ValidationError as error:
        raise ModelError(f"The plans are not valid: {sentence(error).rstrip('.')}") from None
    except KeyError as error:
        raise ModelError(f"The network in the plans has no {error}") from None
    except (TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        raise ModelError(f"The plans are not valid: {printable(str(error))[:200]}") from None


def check_patch(plans: Plans, architecture: Architecture) -> None:
    """Refuse windows that the network does not take.

    Raises
    ------
    ModelError
        If they are not multiples of its strides.
    """
    tiles = plans.tiling.tiles
    strides = _strides(architecture)
    if any(n <= 0 or n % s for n, s in zip(tiles, strides, strict=True)):
        raise ModelError(f"The patch size {tiles} in the plans is no multiple of {strides}")


def _strides(architecture: Architecture) -> tuple[int, ...]:
    assert isinstance(architecture, PlainConvUNet | ResidualEncoderUNet)
    return architecture.strides_of_axes


def _configuration(plans: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a configuration with what it inherits."""
    known = plans.get("configurations")
    known = known if isinstance(known, dict) else {}
    parts: list[dict[str, Any]] = []
    wanted: Any = name
    while wanted is not None:
        if not isinstance(known.get(wanted), dict) or len(parts) > _DEEPEST:
            raise ModelError(
                f"plans.json has no configuration {printable(str(wanted))[:80]!r}",
                hint=f"It has {', '.join(printable(str(k))[:40] for k in list(known)[:9])}",
            )
        parts.append(known[wanted])
        wanted = known[wanted].get("inherits_from")
    return {key: value for part in reversed(parts) for key, value in part.items()}


def _network(configuration: dict[str, Any], dims: int) -> tuple[str, dict[str, Any]]:
    """Return the class of the network and its arguments, in either format of plans."""
    block = configuration.get("architecture")
    if isinstance(block, dict):
        return str(block["network_class_name"]).rpartition(".")[2], dict(block["arch_kwargs"])
    name = str(configuration["UNet_class_name"])
    counts = _list(configuration, "n_conv_per_stage_encoder")
    base, most = configuration["UNet_base_num_features"], configuration["unet_max_num_features"]
    widths = [min(int(base) * 2**stage, int(most)) for stage in range(min(len(counts), 17))]
    return name, {
        "n_stages": len(counts),
        "features_per_stage": widths,
        "kernel_sizes": configuration["conv_kernel_sizes"],
        "strides": configuration["pool_op_kernel_sizes"],
        "n_conv_per_stage": counts,
        "n_blocks_per_stage": counts,
        "n_conv_per_stage_decoder": configuration["n_conv_per_stage_decoder"],
        "conv_bias": True,
        "norm_op": f"InstanceNorm{dims}d",
        "norm_op_kwargs": {"eps": 1e-5, "affine": True},
        "nonlin": "LeakyReLU",
    }


def _layers(fields: dict[str, Any], dims: int) -> dict[str, Any]:
    """Return the fields of norm and activation; refuse those that ours do not have."""
    norm, act = (str(fields.get(n)).rpartition(".")[2] for n in ("norm_op", "nonlin"))
    norms = {f"InstanceNorm{dims}d": "instance", f"BatchNorm{dims}d": "batch"}
    conv = str(fields.get("conv_op", f"Conv{dims}d")).rpartition(".")[2]
    unusual = {
        n
        for n in ("block", "bottleneck_channels", "stem_channels", "nonlin_first")
        if fields.get(n)
    }
    if norm not in norms or act not in ("LeakyReLU", "ReLU") or conv != f"Conv{dims}d" or unusual:
        raise ModelError(
            f"The network in the plans has {', '.join(sorted(unusual)) or f'{conv}, {norm}, {act}'}"
            ", which is not supported",
            hint="Convolutions with instance or batch norm and (leaky) ReLU are",
        )
    given = fields.get("norm_op_kwargs") or {}
    slope = (fields.get("nonlin_kwargs") or {}).get("negative_slope", 0.01)
    affine = norms[norm] == "batch"  # torch's defaults
    return {
        "norm": norms[norm],
        "norm_eps": given.get("eps", 1e-5),
        "norm_affine": given.get("affine", affine),
        "negative_slope": slope if act == "LeakyReLU" else 0.0,
    }


def _repeated(given: Any, count: int) -> list[Any]:
    return list(given) if isinstance(given, list) else [given] * count


def _list(fields: dict[str, Any], name: str) -> list[Any]:
    found = fields.get(name)
    if not isinstance(found, list) or not found:
        raise ModelError(f"The configuration in plans.json has no list {name}")
    return found


def _number(text: Any) -> int:
    try:
        return int(text)
    except (TypeError, ValueError):
        raise ModelError(f"dataset.json has {printable(str(text))[:80]!r} for a number") from None
