"""Import TorchScript files, after the user has trusted them; refuse pickled checkpoints."""

from __future__ import annotations

import shutil
import zipfile
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import ModelError
from ...files.run_record import sha256_file
from ...heads import Masks, Semantic
from ...mask_sets.readings import ClassMaps
from ...mask_sets.readings.recognize import recognized
from ...network.normalize import Percentile
from ...network.runtimes import TorchScript
from ..model_info import ModelInfo, Source
from ..preprocessing import DiameterRange, Preprocessing
from ..trust import check_trusted
from ..user_models import as_name
from .import_tiles import tiles_for
from .proposal import ImportSettings, Proposal

if TYPE_CHECKING:
    from ...mask_sets.readings import Reading
    from ...network.runtimes import Session

FORMAT = "TorchScript (.pt, .ts)"
SUFFIXES = (".pt", ".pth", ".ts", ".torchscript", ".ptl")
_SIZES = {2: (128, 256, 512, 96), 3: (32, 64, 96, 128)}  # px of trial images
_MULTIPLES = (1, 2, 4, 8, 16, 32, 64)
_CHANNELS = (1, 3, 2, 4)
_SLACK = 1e-3
_NO_NORMALIZER = (
    "The file does not state how intensities are scaled: percentiles 1 and 99.8 become 0 and 1"
)


def recognizes(path: Path) -> bool:
    """Return whether the path is a file of PyTorch."""
    return path.is_file() and path.suffix.lower() in SUFFIXES


def propose(path: Path, settings: ImportSettings) -> Proposal:
    """Load a trusted file, and find by trial which images it takes.

    Raises
    ------
    ModelError
        If it is not trusted, no TorchScript, or takes no image.
    """
    if not _is_torchscript(path):
        raise _no_network(path)
    check_trusted(path, TorchScript.what, trusting=settings.trust)
    runtime, outputs = _probed(path)
    shapes = {name: tuple(array.shape) for name, array in outputs.items()}
    found = recognized(shapes, settings.classes)
    reading = settings.reading or _activated(found.reading, outputs)
    size = settings.object_size
    count = runtime.in_channels
    head = _head(reading, outputs)
    info = ModelInfo(
        name=settings.model_name or as_name(path.stem),
        version="1",
        description=found.sentence,
        licence=settings.licence or "not stated",
        head=head,
        reading=reading,
        separate=reading.kind == "maps" and len(head.class_names) == 1,
        runtime=runtime,
        preprocessing=Preprocessing(
            channels=settings.channels or _channel_names(count),
            normalizer=settings.normalizer or Percentile(),
            tiling=tiles_for(runtime),
            diameter=size and DiameterRange(low=size / 2, typical=size, high=size * 2),
        ),
        source=Source(format="TorchScript", location=path.name, sha256=sha256_file(path)),
    )
    channels = "1 channel" if count == 1 else f"{count} channels"
    how = (
        f"of {runtime.size[0]} px only"
        if runtime.size
        else f"in multiples of {runtime.multiple} px"
    )
    understood = (found.sentence, f"Images in {runtime.spatial_dims}D with {channels}, {how}")
    unknown = () if settings.normalizer else (_NO_NORMALIZER,)
    no_licence = () if settings.licence else ("The file states no licence",)

    def write(folder: Path) -> None:
        (folder / runtime.file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / runtime.file)

    return Proposal(info, understood, write, (*unknown, *no_licence))


def _channel_names(count: int) -> tuple[str, ...]:
    return ("red", "green", "blue") if count == 3 else ("image",) * count


def _is_torchscript(path: Path) -> bool:
    """Return whether a file is an archive with code, as `torch.jit.save` writes it."""
    if not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return False
    return any(n.endswith("/constants.pkl") for n in names) and any("/code/" in n for n in names)


def _no_network(path: Path) -> ModelError:
    """Return the error about a file of PyTorch that is no TorchScript."""
    with path.open("rb") as file:
        start = file.read(16)
    pickled = start[:1] == b"\x80" or zipfile.is_zipfile(path)
    what = "is a pickled checkpoint, which would run code" if pickled else "is no TorchScript file"
    return ModelError(
        f"{path} {what}, and holds no network",
        hint="Export the model to ONNX or TorchScript, or give the folder of its framework",
    )


def _probed(path: Path) -> tuple[TorchScript, dict[str, NDArray[np.generic]]]:
    """Return the runtime, and outputs for an image of noise.

    Raises
    ------
    ModelError
        If the network takes no image that was tried.
    """
    import torch

    dims, channels = _by_weights(path)
    session = TorchScript().session(path, torch.device("cpu"))
    for ndim, count in product(dims, channels):
        for size in _SIZES[ndim]:
            outputs = _tried(session, count, (size,) * ndim)
            if outputs:
                multiple = _multiple(session, count, size, ndim)
                fixed = {"size": (size,) * ndim} if multiple is None else {"multiple": multiple}
                given = {"spatial_dims": ndim, "in_channels": count, **fixed}
                return TorchScript.model_validate(given), outputs
    tried = ", ".join(str(n) for n in channels)
    raise ModelError(
        f"The network in {path} takes no image: {' and '.join(f'{d}D' for d in dims)} with "
        f"{tried} channels was tried"
    )


def _by_weights(path: Path) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the spatial axes and channels to try: those of the first convolution, if there is."""
    import torch

    network = torch.jit.load(path, map_location="cpu")
    for weight in network.parameters():
        if weight.ndim in (4, 5):
            return (weight.ndim - 2,), (weight.shape[1], *_CHANNELS)
    return (2, 3), _CHANNELS


def _tried(session: Session, count: int, shape: tuple[int, ...]) -> dict[str, NDArray[np.generic]]:
    """Return the outputs for an image of noise, none if the network does not take it."""
    noise = np.random.default_rng(0).standard_normal((count, *shape)).astype(np.float32)
    try:
        return session(noise)
    except ModelError:
        return {}


def _multiple(session: Session, count: int, size: int, ndim: int) -> int | None:
    """Return the factor of which lengths are multiples, None if only one size is taken."""
    for multiple in _MULTIPLES:
        shape = (size + multiple,) * ndim
        found = _tried(session, count, shape)
        if found and any(_fits(array, shape) for array in found.values()):
            return multiple
    return None


def _fits(array: NDArray[np.generic], shape: tuple[int, ...]) -> bool:
    """Return whether an output has the shape of the input, or a whole fraction of it."""
    own = array.shape[-len(shape) :]
    if array.ndim < len(shape) + 1:
        return True
    return all(n % m == 0 for n, m in zip(shape, own, strict=True) if m) and 0 not in own


def _activated(reading: Reading, outputs: dict[str, NDArray[Any]]) -> Reading:
    """Return a reading of class maps that are probabilities already, if these are."""
    if not isinstance(reading, ClassMaps):
        return reading
    values = outputs[reading.outputs[0]].astype(np.float64)
    if values.min() < -_SLACK or values.max() > 1 + _SLACK:
        return reading
    return reading.model_copy(update={"activation": "none"})


def _head(reading: Reading, outputs: dict[str, NDArray[Any]]) -> Any:
    if not isinstance(reading, ClassMaps):
        return Masks.of(reading.class_names, reading.least_score)
    count = len(reading.maps(outputs)) - 1
    names = ("object",) if count == 1 else tuple(f"class {i + 1}" for i in range(count))
    return Semantic(classes=reading.classes or names)
