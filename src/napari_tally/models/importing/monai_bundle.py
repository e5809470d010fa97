"""Import MONAI bundles without our description: translated, never run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ...core.errors import ModelError, printable, sentence
from ...files.run_record import sha256_file
from ..bundle import BLOCK, METADATA, read_card, read_info, save_model
from ..copy_bundle import copy_files
from ..model_info import EXPORTED, ModelInfo, Source
from ..preprocessing import DiameterRange, Preprocessing
from ..turned_axes import can_turn, turned
from ..user_models import as_name
from ..weights import inside, weights_path
from .monai_config import CONFIGS, Config, inference_file, read_mapping
from .monai_inferer import read_tiling
from .monai_network import read_network, read_weights
from .monai_outputs import head_of, read_outputs
from .monai_transforms import Inputs, read_inputs
from .proposal import ImportSettings, Proposal

if TYPE_CHECKING:
    from torch import Tensor

    from ...heads.base import Head
    from ...network.architectures import Architecture

FORMAT = "MONAI bundle (folder with configs/inference.json or .yaml)"
_COLOURS = ("red", "green", "blue")
_WEIGHTS = ("model.safetensors", "model.pt", "model.pth")
_LICENCES = {"apache license": "Apache-2.0", "mit license": "MIT", "bsd 3-clause": "BSD-3-Clause"}


def recognizes(path: Path) -> bool:
    """Return whether a folder is a MONAI bundle, or one of its configurations is meant."""
    folder = _folder(path)
    names = ("metadata.json", "inference.json", "inference.yaml", "inference.yml")
    return any((folder / CONFIGS / name).is_file() for name in names)


def propose(path: Path, settings: ImportSettings) -> Proposal:
    """Translate a bundle; its code and expressions are not run.

    Raises
    ------
    ModelError, FileError
        If it is damaged, or holds something that cannot be translated.
    """
    folder = _folder(path)
    metadata = _metadata(folder)
    if BLOCK in metadata:
        return _of_ours(folder, settings)
    inference_file(folder)
    config = Config(folder)
    architecture = read_network(config)
    if EXPORTED in metadata:
        return _exported(config, architecture, metadata, settings)
    inputs, outputs = read_inputs(config), read_outputs(config)
    head, unknown = head_of(outputs, architecture, metadata, settings.classes)
    turn = inputs.reversed
    tiling, of_inferer = read_tiling(config, architecture, turn)
    file = _weights_file(config)
    weights = read_weights(architecture, file)
    wrapped = turn and not can_turn(architecture)
    if turn and not wrapped:
        architecture, weights = turned(architecture, weights)
    preprocessing = _preprocessing(inputs, architecture, metadata, settings).model_copy(
        update={"tiling": tiling}
    )
    preprocessing.check_axes(architecture.spatial_dims, folder.name)
    info = _info(folder, metadata, settings, head, preprocessing).model_copy(
        update={"reversed_axes": wrapped, "source": _source(folder, file, metadata)}
    )
    said = (*inputs.warnings, *outputs.warnings, *unknown, *of_inferer)
    no_licence = () if info.licence != "not stated" else ("The bundle states no licence",)
    return Proposal(
        info,
        _sentences(architecture, inputs, head, info),
        lambda target: _write(target, info, architecture, weights),
        (*said, *no_licence),
        read_card(folder),
    )


def _folder(path: Path) -> Path:
    inner = path.parent.name == CONFIGS.name and path.is_file()
    return path.parent.parent if inner else path


def _metadata(folder: Path) -> dict[str, Any]:
    path = folder / METADATA
    return read_mapping(inside(folder, METADATA)) if path.is_file() else {}


def _of_ours(folder: Path, settings: ImportSettings) -> Proposal:
    """Return the proposal for a model of ours, which is copied."""
    info = read_info(folder)
    name = settings.model_name or as_name(info.name)
    info = info.model_copy(update={"name": name, "licence": settings.licence or info.licence})
    sentence = f"A model of napari-tally: {info.description}"
    return Proposal(info, (sentence,), lambda target: _copy(folder, target), (), read_card(folder))


def _exported(
    config: Config, architecture: Architecture, metadata: dict[str, Any], settings: ImportSettings
) -> Proposal:
    """Return the proposal for a model of ours that was exported for MONAI."""
    try:
        info = ModelInfo.model_validate(metadata[EXPORTED])
    except ValidationError as error:
        raise ModelError(
            f"The block {EXPORTED!r} in {config.folder} is not valid: {sentence(error).rstrip('.')}"
        ) from None
    weights = read_weights(architecture, _weights_file(config))
    if not info.reversed_axes and can_turn(architecture):
        architecture, weights = turned(architecture, weights)
    name = settings.model_name or as_name(info.name)
    info = info.model_copy(update={"name": name, "licence": settings.licence or info.licence})
    return Proposal(
        info,
        (f"A model of napari-tally, exported for MONAI: {info.description}",),
        lambda target: _write(target, info, architecture, weights),
        (),
        read_card(config.folder),
    )


def _copy(folder: Path, target: Path) -> None:
    target.rmdir()
    copy_files(folder, target)


def _weights_file(config: Config) -> Path:
    """Return the checkpoint that the bundle loads.

    Raises
    ------
    ModelError
        If it is missing, or TorchScript.
    """
    folder = config.folder
    stated = _stated_checkpoint(config)
    names = dict.fromkeys(([stated] if stated else []) + list(_WEIGHTS))
    for name in names:
        if (folder / "models" / name).is_file():
            return inside(folder, Path("models") / name)
    if (folder / "models" / "model.ts").exists():
        raise ModelError(
            f"{folder} has its weights only as TorchScript (models/model.ts), which holds code",
            hint="Get the bundle with models/model.pt, or import model.ts itself with --trust",
        )
    raise ModelError(
        f"{folder} has no weights in models/{next(iter(names))}",
        hint="Download them: the zoo keeps large files apart (large_files.yml)",
    )


def _stated_checkpoint(config: Config) -> str | None:
    """Return the name of the checkpoint that a `CheckpointLoader` loads, if it is plain."""
    handlers = config.content.get("handlers")
    found = [
        config.content.get("checkpointloader"),
        *(handlers if isinstance(handlers, list) else ()),
    ]
    for entry in found:
        if isinstance(entry, dict) and str(entry.get("_target_", "")).endswith("CheckpointLoader"):
            try:
                path = config.resolved(entry.get("load_path"))
            except ModelError:
                return None
            return Path(path).name if isinstance(path, str) else None
    return None


def _preprocessing(
    inputs: Inputs, architecture: Architecture, metadata: dict[str, Any], settings: ImportSettings
) -> Preprocessing:
    dims = architecture.spatial_dims
    order = -1 if inputs.reversed else 1
    spacing = _as_many(inputs.spacing, dims)
    size = _as_many(inputs.size, dims)
    diameter = settings.object_size
    if diameter and (spacing or size):
        raise ModelError("An object size cannot be set: the bundle states the size of its images")
    return Preprocessing(
        channels=settings.channels or _channels(architecture.in_channels, dims, metadata),
        normalizer=settings.normalizer or inputs.normalizer,
        spacing=spacing and spacing[::order],
        spacing_unit="mm" if spacing else "um",
        size=size and tuple(int(n) for n in size[::order]),
        orientation=inputs.orientation if dims == 3 else None,
        resample_first=inputs.resamples and not inputs.late,
        diameter=diameter and DiameterRange(low=diameter / 2, typical=diameter, high=diameter * 2),
    )


def _as_many(numbers: tuple[float, ...] | None, dims: int) -> tuple[float, ...] | None:
    """Return as many numbers as there are axes; one stands for all."""
    if numbers is None:
        return None
    return numbers * dims if len(numbers) == 1 else numbers[:dims]


def _channels(count: int, dims: int, metadata: dict[str, Any]) -> tuple[str, ...]:
    formats = metadata.get("network_data_format")
    inputs = formats.get("inputs") if isinstance(formats, dict) else None
    entry = next(iter(inputs.values()), None) if isinstance(inputs, dict) else None
    stated = entry.get("channel_def") if isinstance(entry, dict) else None
    names = [printable(str(v))[:40] for v in stated.values()] if isinstance(stated, dict) else []
    if count == len(_COLOURS) and dims == 2:
        return _COLOURS
    if len(names) == count and all(names) and len(set(names)) == count and count > 1:
        return tuple(names)
    return ("image",) if count == 1 else tuple(f"channel {i + 1}" for i in range(count))


def _info(
    folder: Path,
    metadata: dict[str, Any],
    settings: ImportSettings,
    head: Head,
    preprocessing: Preprocessing,
) -> ModelInfo:
    description = str(metadata.get("description") or metadata.get("task") or folder.name)
    return ModelInfo(
        name=settings.model_name or as_name(folder.resolve().name),
        version=printable(str(metadata.get("version", "1")))[:40],
        description=printable(description.strip().splitlines()[0])[:300],
        licence=settings.licence or _licence(folder, metadata),
        head=head,
        preprocessing=preprocessing,
        data=printable(str(metadata.get("data_source", "")))[:300],
    )


def _licence(folder: Path, metadata: dict[str, Any]) -> str:
    stated = metadata.get("license") or metadata.get("licence")
    if isinstance(stated, str) and stated.strip():
        return printable(stated.strip())[:120]
    path = folder / "LICENSE"
    if not path.is_file():
        return "not stated"
    with inside(folder, Path("LICENSE")).open(encoding="utf-8", errors="replace") as file:
        start = file.read(400)
    for words, name in _LICENCES.items():
        if words in start.lower():
            return name
    return printable(next((line.strip() for line in start.splitlines() if line.strip()), ""))[:120]


def _source(folder: Path, file: Path, metadata: dict[str, Any]) -> Source:
    return Source(
        format="MONAI bundle",
        location=folder.resolve().name,
        sha256=sha256_file(file),
        trained_on=printable(str(metadata.get("image_classes") or ""))[:200],
    )


def _sentences(
    architecture: Architecture, inputs: Inputs, head: Head, info: ModelInfo
) -> tuple[str, ...]:
    count = architecture.in_channels
    channels = (
        "1 channel"
        if count == 1
        else f"{count} channels ({', '.join(info.preprocessing.channels)})"
    )
    names = head.class_names
    shown = ", ".join(names[:8]) + f", ... ({len(names)})" * (len(names) > 8)
    what = f"Classes: {shown}" if names else "Objects"
    grid = []
    if info.preprocessing.voxel:
        grid.append(f"resampled to {info.preprocessing.voxel}")
    if info.preprocessing.size:
        grid.append(f"resized to {' x '.join(map(str, info.preprocessing.size))} px")
    if inputs.orientation and architecture.spatial_dims == 3:
        grid.append(f"in the orientation {inputs.orientation}")
    windows = info.preprocessing.tiling
    how = f"in windows of {windows.sizes} px" if windows.exact else "in one piece"
    return (
        f"{architecture.name} of MONAI in {architecture.spatial_dims}D, {channels}",
        what + (", which overlap" if head.overlaps else ""),
        ", ".join(["Images", *grid, how]).replace("Images, ", "Images ", 1),
    )


def _write(
    target: Path, info: ModelInfo, architecture: Architecture, weights: dict[str, Tensor]
) -> None:
    """Write a model of ours, with weights in full precision."""
    from safetensors.torch import save_file

    save_model(target, info, architecture, weights)
    save_file(weights, target / weights_path(1))
