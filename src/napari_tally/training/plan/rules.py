"""Rules of the training plan: one choice each, from the data's fingerprint and the machine."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log2, prod
from typing import TYPE_CHECKING

import numpy as np

from ...heads import HEADS
from ...heads.base import LabelClasses
from ...models.preprocessing import DiameterRange
from ...network.architectures import ARCHITECTURES, Architecture, Demand
from ...network.normalize import AnyNormalizer, Percentile, Window
from ...network.tile_layout import Tiling

if TYPE_CHECKING:
    from ...heads.base import Head
    from ...network.hardware import Machine
    from ..augment.presets import Preset
    from .dataset_fingerprint import Fingerprint

_OBJECT_HEAD = "flow"
ARCHITECTURE = "DynUNet"  # if none is given
_CT_AIR = -500.0  # Hounsfield units: only CT goes so far below 0
_COARSE = 3.0  # times as long as wide: slices further apart are resampled
_RARE = 4.0  # largest weight of a rare class
_LARGE_PX = {2: 60.0, 3: 24.0}  # larger objects are scaled down: a patch has to hold several
_OBJECTS = 6  # diameters along a patch
_VOXELS = {(2, True): 128**2, (2, False): 256**2, (3, True): 40 * 56 * 40, (3, False): 96**3}
_PATCHES = {
    (2, True): 8,
    (2, False): 16,
    (3, True): 2,
    (3, False): 4,
}  # a step
_MOST_PATCHES = 32
_AROUND = 1 / 3  # of the patches, on labelled voxels where few are
_LITTLE = 0.1  # share of labelled voxels below which patches are drawn so
_FEW = 5  # images
_OVERFITS = 80  # passes over each image
_SMALLEST = 4  # voxels of a patch at the coarsest level
_MOST_LEVELS = {2: 5, 3: 4}
_LEAST_LEVELS = 3  # DynUNet takes no fewer
_MAPS = 16  # feature maps per level stored for the gradient, measured
_BYTES = 4
_WORTH_A_START = {True: 1000, False: 200}  # steps, of processes
_FREE = 0.4  # of the free memory that processes may take
_PROCESS = 0.6e9  # bytes of one, without images


def choose_head(
    data: Fingerprint,
    objects: str | None,
    class_names: Sequence[str],
    stuff: Sequence[int],
) -> Head:
    """Return the head for the kind of labels.

    For objects the default is flow: it scored best in short trainings, in 2D and 3D
    (`benchmarks/heads.py`).
    """
    named = [*class_names, *(f"class {i}" for i in data.ids[len(class_names) :])]
    classes = LabelClasses(
        names=tuple(named[: len(data.ids)]),
        weights=_weights(data.shares) if data.kind == "classes" else (),
        stuff=tuple(i in stuff for i in data.ids),
    )
    separating = HEADS[objects or _OBJECT_HEAD]
    of_kind = [
        HEADS[name] for name in HEADS if HEADS[name].kind == data.kind and HEADS[name].has_maps
    ]
    chosen = separating if separating in of_kind else of_kind[0]
    return chosen.planned(classes, HEADS.validate(objects or _OBJECT_HEAD))


def _weights(shares: Sequence[float]) -> tuple[float, ...]:
    """Return the weight of each class in the loss: rarer classes count more."""
    classes = np.array(shares[1:])
    wanted = np.sqrt(np.median(classes) / np.maximum(classes, 1e-6))
    weights = np.round(np.clip(wanted, 1, _RARE), 2)
    return () if (weights == 1).all() else (1.0, *weights.tolist())


def choose_spacing(data: Fingerprint) -> tuple[float, ...] | None:
    """Return the size of the network's voxels: the median.

    Slices that are far apart are interpolated, and large objects scaled down.
    """
    if data.spacing is None:
        return None
    large = data.diameters[1] / _LARGE_PX[data.ndim] if data.kind != "classes" else 1.0
    finest = min(data.spacing) * max(1.0, large)
    return tuple(float(f"{min(max(s, finest), _COARSE * finest):.4g}") for s in data.spacing)


def choose_diameter(data: Fingerprint) -> DiameterRange | None:
    """Return the diameters to which objects are scaled, where images are not calibrated."""
    low, middle, high = data.median_diameters
    if data.spacing is not None or data.kind == "classes" or not middle:
        return None
    typical = min(middle, _LARGE_PX[data.ndim])
    most = max(typical, min(high * 1.25, 1.5 * _LARGE_PX[data.ndim]))
    return DiameterRange(low=min(low * 0.8, typical), typical=typical, high=most)


def choose_normalizer(data: Fingerprint) -> AnyNormalizer:
    """Return how intensities are scaled: a fixed window for CT, which is calibrated."""
    if data.unit == "mm" and data.lowest < _CT_AIR:
        low, high = data.intensities
        return Window(low=round(low), high=max(round(low) + 1, round(high)))
    return Percentile(low=1, high=99) if data.kind == "classes" else Percentile()


def choose_patch(
    data: Fingerprint,
    machine: Machine,
    spacing: tuple[float, ...] | None,
    diameter: DiameterRange | None,
) -> tuple[tuple[int, ...], int]:
    """Return the shape of the patches, and how often the network halves them.

    A patch is as much of the median image as the budget allows, in its proportions; for instances
    a few diameters are enough.
    """
    shape = np.array(scaled_shape(data, spacing, diameter))
    if data.kind != "classes" and data.diameters[1]:
        length = _OBJECTS * _scaled_diameter(data, spacing, diameter)
        shape = np.minimum(shape, max(64 if data.ndim == 2 else 32, length))
    while prod(shape) > _VOXELS[data.ndim, machine.small]:
        shape = np.where(shape == shape.max(), shape * 0.9, shape)
    deep = log2(max(1, shape.min() / _SMALLEST))
    levels = int(min(_MOST_LEVELS[data.ndim] - 1, max(_LEAST_LEVELS - 1, deep)))
    stride = 2**levels
    return tuple(stride * max(1, ceil(n / stride - 0.25)) for n in shape), levels


def scaled_shape(
    data: Fingerprint, spacing: tuple[float, ...] | None, diameter: DiameterRange | None
) -> tuple[float, ...]:
    """Return the median shape of the images on the network's grid."""
    if spacing is not None and data.spacing is not None:
        return tuple(n * h / w for n, h, w in zip(data.shape, data.spacing, spacing, strict=True))
    scale = diameter.scale_for(data.median_diameters[1]) if diameter else 1.0
    return tuple(n * scale for n in data.shape)


def _scaled_diameter(
    data: Fingerprint, spacing: tuple[float, ...] | None, diameter: DiameterRange | None
) -> float:
    before, after = data.shape, scaled_shape(data, spacing, diameter)
    return float(data.diameters[1] * (prod(after) / prod(before)) ** (1 / data.ndim))


def choose_network(
    data: Fingerprint,
    machine: Machine,
    head: Head,
    patch: tuple[int, ...],
    levels: int,
    *,
    whole: bool,
    name: str | None = None,
) -> Architecture:
    """Return the network for patches of a shape that can be halved `levels` times.

    Parameters
    ----------
    whole : bool
        Whether a patch is most of an image. Otherwise images are tiled, and with instance norm
        predictions would depend on the tile.
    name : str, optional
        The architecture.

    Raises
    ------
    InputError
        If there is none of that name, or a package that it needs is not installed.
    """
    kind = ARCHITECTURES[name or ARCHITECTURE]
    kind.check_installed()
    classes = data.kind == "classes"
    demand = Demand(
        ndim=data.ndim,
        in_channels=len(data.channels),
        out_channels=head.channels(data.ndim),
        patch=patch,
        levels=levels,
        small=machine.small,
        classes=classes,
        norm="instance" if whole and data.ndim == 3 and classes else "batch",
    )
    return kind.planned(demand)


def batch_for(network: Architecture, patch: tuple[int, ...], machine: Machine) -> int:
    """Return how many patches fit in the memory and the time of a step."""
    ndim = len(patch)
    maps = sum(f / 2 ** (i * ndim) for i, f in enumerate(network.level_widths))
    fits = machine.memory / (prod(patch) * maps * _MAPS * _BYTES)
    return max(1, min(int(fits), batch_of(patch, machine)))


def batch_of(patch: tuple[int, ...], machine: Machine) -> int:
    """Return how many patches a step may have on this machine."""
    size = len(patch), machine.small
    return max(1, min(_MOST_PATCHES, round(_PATCHES[size] * _VOXELS[size] / prod(patch))))


def choose_tiling(data: Fingerprint, network: Architecture) -> Tiling:
    """Return the tiles of inference."""
    if data.ndim == 2:
        return network.fit_tiling(Tiling())
    mirror = 0 if data.kind == "classes" else network.stride
    return network.fit_tiling(Tiling(tile=128, halo=24, mirror=mirror))


def steps_for(data: Fingerprint, machine: Machine) -> int:
    """Return the number of steps: more for more images, and where steps are quick."""
    low, high = (1500, 6000) if machine.small else (4000, 12_000)
    return int(min(high, max(low, (100 if machine.small else 200) * data.images)))


def choose_workers(data: Fingerprint, machine: Machine, steps: int) -> int:
    """Return the number of data-loading processes.

    0 if starting them takes longer than they save; each holds a copy of the images.
    """
    if steps < _WORTH_A_START[machine.small]:
        return 0
    images = data.images * prod(data.shape) * (len(data.channels) + 1) * _BYTES
    return min(machine.workers, int(_FREE * machine.free / (images + _PROCESS)))


def choose_augmentation(data: Fingerprint, voxels: int) -> Preset:
    """Return the preset of augmentation, given the number of voxels in all patches.

    It is strong where the network would overfit: with few images, or many passes over each.
    """
    passes = voxels / max(1, data.images * prod(data.shape))
    return "strong" if data.images < _FEW or passes > _OVERFITS else "light"


def share_around(data: Fingerprint) -> float:
    """Return the share of the patches that are centred on a labelled voxel."""
    little = data.kind != "instances" or data.foreground < _LITTLE
    return _AROUND if little else 0.0
