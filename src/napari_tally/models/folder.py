"""A model is a folder: a MONAI bundle whose metadata also holds what we need to use it.

Nothing in the folder is run: the configuration is read as plain values, the network is one of
those listed in `network.architectures`, and weights are safetensors (or a checkpoint that torch
reads with `weights_only=True`), loaded strictly.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ..core.errors import FileError, ModelError
from ..files.atomic import replacing
from ..files.record import sha256_file
from ..network.architectures import Architecture, from_definition
from .info import ModelInfo

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..core.volume import Volume

METADATA, INFERENCE = Path("configs/metadata.json"), Path("configs/inference.json")
WEIGHTS = Path("models/model.safetensors")
CHECKPOINT = Path("models/model.pt")
BLOCK = "napari_tally"
SHIPPED = Path(__file__).with_name("shipped")
SHIPPED_DEFAULT, SHIPPED_DEFAULT_3D = "nuclei-2d", "nuclei-3d"
_DEEP = 8  # slices from which a stack goes to a model for stacks


@dataclass(frozen=True, eq=False)
class Model:
    """A network with its weights, and how to use it."""

    info: ModelInfo
    architecture: Architecture
    network: nn.Module
    sha256: str
    folder: Path

    @property
    def identity(self) -> dict[str, str]:
        """Name, version and checksum of the weights, for records and results."""
        return {"name": self.info.name, "version": self.info.version, "sha256": self.sha256}


def shipped_models() -> tuple[str, ...]:
    """Return the names of the models that come with the package."""
    return tuple(sorted(p.name for p in SHIPPED.iterdir() if (p / METADATA).is_file()))


def model_folder(model: str | Path) -> Path:
    """Return the folder of a shipped model by its name, or of any model by its path.

    Raises
    ------
    ModelError
        If there is no such model.
    """
    if isinstance(model, str) and model in shipped_models():
        return SHIPPED / model
    folder = Path(model).expanduser()
    if (folder / METADATA).is_file():
        return folder
    names = ", ".join(shipped_models())
    raise ModelError(
        f"A model is needed: one of those shipped ({names}) or a folder with {METADATA}",
        f"{str(model)!r}",
    )


def default_model(volume: Volume) -> str:
    """Return the shipped model for an image of which nothing else is known: nuclei, 2D or 3D."""
    sizes = dict(zip(volume.axes, volume.shape, strict=True))
    return SHIPPED_DEFAULT_3D if sizes.get("Z", 1) >= _DEEP else SHIPPED_DEFAULT


def read_info(folder: Path) -> ModelInfo:
    """Read what a model says of itself, without its weights."""
    block = _json(folder / METADATA).get(BLOCK)
    if block is None:
        raise ModelError(
            f"A block {BLOCK!r} is needed in {folder / METADATA}",
            "a bundle without it",
            "Add head, normalizer, name, version, description and licence",
        )
    try:
        return ModelInfo.model_validate(block)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ModelError(
            f"A valid {BLOCK} block is needed in {folder / METADATA}", f"{where}: {first['msg']}"
        ) from None


def read_architecture(folder: Path) -> Architecture:
    """Read which network a model has, without its weights.

    Raises
    ------
    ModelError
        If the folder does not say it, or names a network that is not known.
    """
    definition = _json(folder / INFERENCE).get("network_def")
    if not isinstance(definition, dict):
        raise ModelError(f"A network_def is needed in {folder / INFERENCE}", repr(definition))
    return from_definition(definition)


def load_model(model: str | Path = SHIPPED_DEFAULT) -> Model:
    """Load a shipped model by name or any model by its folder.

    Raises
    ------
    ModelError
        If the folder is incomplete, its parts do not fit each other, or it would have to run code.
    """
    folder = model_folder(model)
    info, architecture = read_info(folder), read_architecture(folder)
    _check_channels(info, architecture)
    _check_axes(info, architecture)
    weights = _weights_file(folder)
    network = architecture.build().eval()
    _load_strictly(network, _read_weights(weights), weights)
    return Model(info, architecture, network, sha256_file(weights), folder)


def save_model(
    folder: Path, info: ModelInfo, architecture: Architecture, weights: dict[str, Tensor]
) -> None:
    """Write a model as a MONAI bundle; convolution weights in half precision.

    The bundle also loads with `monai.bundle.load(..., model_file="models/model.safetensors")`.
    """
    from safetensors.torch import save_file

    for part in (METADATA, WEIGHTS):
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
    # Cloned, since DynUNet names its layers twice and safetensors holds no shared memory.
    halved = {k: _halved(v).clone().contiguous() for k, v in weights.items()}
    save_file(halved, folder / WEIGHTS)
    _write_json(folder / METADATA, _metadata(info, architecture))
    _write_json(
        folder / INFERENCE,
        {
            "imports": ["$import torch"],
            "bundle_root": ".",
            "device": "$torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
            "network_def": architecture.definition(),
            "network": "$@network_def.to(@device)",
        },
    )


def save_info(folder: Path, info: ModelInfo) -> None:
    """Write into a model's folder what it says of itself now; all else there stays."""
    metadata = _json(folder / METADATA)
    metadata[BLOCK] = info.model_dump(mode="json")
    with replacing(folder / METADATA) as path:
        _write_json(path, metadata)


def _check_channels(info: ModelInfo, architecture: Architecture) -> None:
    wanted = info.head.channels(architecture.spatial_dims)
    if architecture.out_channels != wanted or architecture.in_channels != len(info.channels):
        raise ModelError(
            f"A network of {len(info.channels)} input and {wanted} output channels is needed for "
            f"{info.name}",
            f"one of {architecture.in_channels} and {architecture.out_channels}",
        )


def _check_axes(info: ModelInfo, architecture: Architecture) -> None:
    ndim = architecture.spatial_dims
    if info.spacing is not None and len(info.spacing) != ndim:
        raise ModelError(
            f"A spacing of {ndim} numbers is needed for {info.name}", f"{info.spacing}"
        )
    if info.orientation is not None and ndim != 3:
        raise ModelError(f"A 3D network is needed for the orientation of {info.name}", "one of 2D")


def _weights_file(folder: Path) -> Path:
    for part in (WEIGHTS, CHECKPOINT):
        if (folder / part).is_file():
            return folder / part
    others = [p.name for p in (folder / "models").glob("*")]
    raise ModelError(
        f"Weights are needed in {folder / WEIGHTS}",
        f"{others or 'none'}",
        "TorchScript and pickled networks run code and are not loaded",
    )


def _read_weights(path: Path) -> dict[str, Tensor]:
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, RuntimeError, EOFError, ValueError, OSError) as error:
        raise ModelError(f"Readable weights are needed in {path}", _first_line(error)) from error
    except Exception as error:
        if type(error).__name__ != "UnpicklingError":
            raise
        raise ModelError(
            f"Weights that run no code are needed in {path}",
            "a pickled object",
            "Save them as safetensors",
        ) from error
    if not isinstance(state, dict):
        raise ModelError(f"A dictionary of weights is needed in {path}", type(state).__name__)
    return state


def _load_strictly(network: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        detail = " ".join(str(error).split("\n\t")[1:2]).strip() or _first_line(error)
        raise ModelError(
            f"Weights that fit the network are needed in {path}", detail[:200]
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _halved(tensor: Tensor) -> Tensor:
    """Halve matrices and kernels; statistics of batch norm need their range."""
    return tensor.half() if tensor.is_floating_point() and tensor.ndim > 1 else tensor


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ModelError(f"A model needs the file {path}", "a folder without it") from None
    except OSError as error:
        raise FileError(f"A readable {path} is needed", error.strerror or str(error)) from error
    except ValueError as error:
        raise ModelError(f"Valid JSON is needed in {path}", str(error)) from error
    if not isinstance(found, dict):
        raise ModelError(f"A JSON object is needed in {path}", type(found).__name__)
    return found


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _metadata(info: ModelInfo, architecture: Architecture) -> dict[str, Any]:
    from importlib.metadata import version

    return {
        "version": info.version,
        "monai_version": version("monai"),
        "pytorch_version": version("torch").partition("+")[0],
        "numpy_version": version("numpy"),
        "task": info.description,
        "description": info.description,
        "license": info.licence,
        "data_source": info.data,
        "network_data_format": {
            "inputs": {
                "image": _tensor_format(architecture.in_channels, architecture, info.channels)
            },
            "outputs": {"pred": _tensor_format(architecture.out_channels, architecture, ())},
        },
        BLOCK: info.model_dump(mode="json"),
    }


def _tensor_format(
    count: int, architecture: Architecture, names: tuple[str, ...]
) -> dict[str, Any]:
    multiple = f"{architecture.stride}*n"
    return {
        "type": "image",
        "format": "magnitude",
        "num_channels": count,
        "spatial_shape": [multiple] * architecture.spatial_dims,
        "dtype": "float32",
        "is_patch_data": True,
        "channel_def": {str(i): name for i, name in enumerate(names)},
    }
