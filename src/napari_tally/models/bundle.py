"""A model is a folder: a MONAI bundle whose metadata also holds what we need to use it.

No code in the folder is run: the configuration is read as plain values, networks must be listed in
`network.architectures`, and weights are loaded strictly (see `models.weights`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ..core.atomic import replacing
from ..core.errors import FileError, ModelError, sentence, unknown_name
from ..core.json_object import read_json_object
from ..core.user_path import user_path
from ..files.run_record import sha256_files
from ..network.architectures import Architecture, from_definition
from .model_info import ModelInfo
from .trust import check_trusted
from .user_models import user_models, user_models_folder
from .weights import built, find_weights, inside, load_weights, save_weights, weights_path

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from ..core.volume import Volume
    from ..network.runtimes import Runtime, Session

METADATA, INFERENCE = Path("configs/metadata.json"), Path("configs/inference.json")
NETWORK = "network_def"  # of the first network; that of the second is network_def_2, and so on
BLOCK = "napari_tally"
SHIPPED = Path(__file__).with_name("shipped")
SHIPPED_DEFAULT, SHIPPED_DEFAULT_3D = "nuclei-2d", "nuclei-3d"
CARD = Path("docs/README.md")
_LONGEST = 2**24  # bytes of a description
_DIMENSIONS = {"Z": -3, "Y": -2, "X": -1}
_DEEP = 8  # slices from which a stack is segmented by the 3D model


@dataclass(frozen=True, eq=False)
class Model:
    """Networks with their weights, and how to use them.

    Attributes
    ----------
    architecture : Architecture, optional
        Of the first network. The others have the same inputs and outputs. None if a runtime runs
        the network: see `ModelInfo.runtime`.
    networks : tuple of torch.nn.Module
        Most models have one, those with a runtime have none.
    sha256 : str
        Of the weights.
    """

    info: ModelInfo
    architecture: Architecture | None
    networks: tuple[nn.Module, ...]
    sha256: str
    folder: Path

    @property
    def spatial_dims(self) -> int:
        """Spatial axes of the images: 2 or 3."""
        return self._input.spatial_dims

    @property
    def stride(self) -> int:
        """The factor of which tiles are multiples."""
        return self._input.stride

    @property
    def trainable(self) -> Architecture:
        """The architecture, for training.

        Raises
        ------
        ModelError
            If a runtime runs the network, which cannot be trained.
        """
        if not self.info.head.is_trainable or self.info.reversed_axes:
            raise ModelError(
                f"{self.info.name} was made with another framework in a form that cannot be "
                "trained here",
                hint="Start from another model, or train a new one",
            )
        if self.architecture is None:
            assert self.info.runtime is not None
            raise ModelError(
                f"{self.info.name} runs with {self.info.runtime.name} and cannot be trained",
                hint="Start from another model, or train a new one",
            )
        return self.architecture

    @property
    def _input(self) -> Architecture | Runtime:
        found = self.architecture or self.info.runtime
        assert found is not None
        return found

    @cached_property
    def session(self) -> Session:
        """The loaded network of a model with a runtime, on the CPU."""
        import torch

        return self.session_on(torch.device("cpu"))

    def session_on(self, device: torch.device) -> Session:
        """Load the network of a model with a runtime on a device.

        Raises
        ------
        UntrustedError
            If its file can hold code, and is not the one that the user trusted.
        """
        runtime = self.info.runtime
        assert runtime is not None
        path = inside(self.folder, Path(runtime.file))
        if runtime.runs_code:
            check_trusted(path, runtime.what)
        return runtime.finished(runtime.session(path, device))

    @cached_property
    def network(self) -> nn.Module:
        """The only network, or the ensemble, for inference: batch norm is folded.

        With a reading, its output is the maps of the head, to which no activation is to be applied.
        """
        from ..network.ensemble import Mean
        from ..network.graphs.fold import folded
        from ..network.reversed_axes import Reversed
        from .runtime_network import ReadMaps, SessionMaps

        reading = self.info.reading
        if self.info.runtime is not None:
            assert reading is not None
            networks: list[nn.Module] = [SessionMaps(self.session_on, reading)]
        else:
            networks = [folded(network) for network in self.networks]
            networks = [Reversed(n) for n in networks] if self.info.reversed_axes else networks
            networks = [ReadMaps(n, reading) for n in networks] if reading else networks
        axes = [_DIMENSIONS[axis] for axis in self.info.mirrored]
        return Mean(networks, axes) if axes or len(networks) > 1 else networks[0]

    def activate(self, output: Tensor) -> Tensor:
        """Convert an output of `network` to maps of the head."""
        return output if self.info.reading else self.info.head.activate(output)

    @property
    def identity(self) -> dict[str, str]:
        """Name, version and checksum of the weights, for records and results.

        Of an imported model also its licence and source, and whether its file was trusted to run
        code.
        """
        info = self.info
        known = {"name": info.name, "version": info.version, "sha256": self.sha256}
        if info.source is not None:
            known |= {"licence": info.licence, "source": info.source.location}
        if info.runtime is not None and info.runtime.runs_code:
            known["trusted"] = f"{info.runtime.file} was trusted by the user to run code"
        return known


def shipped_models() -> tuple[str, ...]:
    """Return the names of the built-in models."""
    return tuple(sorted(p.name for p in SHIPPED.iterdir() if (p / METADATA).is_file()))


def model_folder(model: str | Path) -> Path:
    """Return the folder of a model by its name, built-in or imported, or by its path.

    Raises
    ------
    ModelError
        If there is no such model.
    """
    if isinstance(model, str) and model in shipped_models():
        return SHIPPED / model
    if isinstance(model, str) and model in user_models():
        return user_models_folder() / model
    folder = user_path(model)
    if (folder / METADATA).is_file():
        return folder
    missing = unknown_name("model", str(model), (*shipped_models(), *user_models()))
    raise ModelError(missing.problem, hint=f"{missing.hint}, or a folder with {METADATA}")


def default_model(volume: Volume) -> str:
    """Return the default built-in model for an image: nuclei in 2D or 3D."""
    sizes = dict(zip(volume.axes, volume.shape, strict=True))
    return SHIPPED_DEFAULT_3D if sizes.get("Z", 1) >= _DEEP else SHIPPED_DEFAULT


def read_info(folder: Path) -> ModelInfo:
    """Read the description of a model, without its weights.

    Raises
    ------
    ModelError
        If it is missing, damaged or of a later version.
    """
    path = folder / METADATA
    block = _json(path).get(BLOCK)
    if block is None:
        raise ModelError(
            f"{path} has no block {BLOCK!r}",
            hint="Add it with head, preprocessing, name, version, description and licence",
        )
    try:
        return ModelInfo.model_validate(block)
    except ValidationError as error:
        raise ModelError(
            f"The block {BLOCK!r} in {path} is not valid: {sentence(error).rstrip('.')}"
        ) from None


def is_ours(folder: Path) -> bool:
    """Return whether a folder holds a model with our block of metadata, damaged or not."""
    try:
        return BLOCK in _json(folder / METADATA)
    except (FileError, ModelError):
        return False


def read_card(folder: Path) -> str:
    """Return the model card, "" if there is none."""
    path = inside(folder, CARD)
    try:
        return path.read_text("utf-8", errors="backslashreplace") if path.is_file() else ""
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error


def read_architecture(folder: Path) -> Architecture:
    """Read the architecture of a model, the first one of an ensemble, without its weights.

    Raises
    ------
    ModelError
        If the folder does not define it, or names an unknown network.
    """
    return _defined(_json(folder / INFERENCE), NETWORK, folder)


def read_architectures(folder: Path) -> list[Architecture]:
    """Read the architectures of a model, those of an ensemble in its order.

    Raises
    ------
    ModelError
        As `read_architecture` does, or if networks of an ensemble do not fit each other.
    """
    first = read_architecture(folder)
    return [first, *_further(folder, first)]


def read_spatial_dims(folder: Path) -> int:
    """Read the number of spatial axes of a model's images, 2 or 3, without its weights.

    Raises
    ------
    ModelError
        As `read_info` and `read_architecture` do.
    """
    runtime = read_info(folder).runtime
    return read_architecture(folder).spatial_dims if runtime is None else runtime.spatial_dims


def load_model(model: str | Path = SHIPPED_DEFAULT, *, trust: bool = False) -> Model:
    """Load a built-in or imported model by name, or any model by its folder.

    Parameters
    ----------
    trust : bool
        Trust its file from now on, although it can hold code (TorchScript).

    Raises
    ------
    ModelError
        If the folder is incomplete, its parts do not match, or loading it would run code that is
        not trusted.

    Examples
    --------
    >>> from napari_tally import load_model
    >>> model = load_model("nuclei-2d")
    >>> model.info.name, model.info.head.name
    ('nuclei-2d', 'center')
    """
    folder = model_folder(model)
    info = read_info(folder)
    if info.runtime is not None:
        return _with_runtime(info, info.runtime, folder, trust)
    architectures = read_architectures(folder)
    architecture = architectures[0]
    _check_channels(info, architecture)
    _check_axes(info, architecture)
    files = find_weights(folder, len(architectures))
    networks = tuple(built(*both) for both in zip(architectures, files, strict=True))
    for network, file in zip(networks, files, strict=True):
        load_weights(network, file)
    return Model(info, architecture, networks, sha256_files(files), folder)


def _with_runtime(info: ModelInfo, runtime: Runtime, folder: Path, trust: bool) -> Model:
    """Return a model whose network a runtime runs; it is loaded when it is needed."""
    _check_inputs(info, runtime.in_channels)
    info.preprocessing.check_axes(runtime.spatial_dims, info.name)
    path = inside(folder, Path(runtime.file))
    if not path.exists():
        raise ModelError(f"The model has no file {path}")
    if runtime.runs_code:
        check_trusted(path, runtime.what, trusting=trust)
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return Model(info, None, (), sha256_files(files), folder)


def save_model(
    folder: Path,
    info: ModelInfo,
    architecture: Architecture,
    weights: Mapping[str, Tensor],
    further: Sequence[tuple[Architecture, Mapping[str, Tensor]]] = (),
) -> None:
    """Write a model as a MONAI bundle, with convolution weights in half precision.

    `monai.bundle.load(..., model_file="models/model.safetensors")` also loads it (the first network
    of an ensemble).

    Parameters
    ----------
    further : sequence of (Architecture, dict of str to Tensor)
        More networks: the model is an ensemble.
    """
    for part in (METADATA, weights_path(1)):
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
    save_weights(folder / weights_path(1), weights, architecture.build())
    definitions = {NETWORK: architecture.definition()}
    for number, (another, its_weights) in enumerate(further, 2):
        save_weights(folder / weights_path(number), its_weights, another.build())
        definitions[f"{NETWORK}_{number}"] = another.definition()
    _write_json(folder / METADATA, _metadata(info, architecture))
    _write_json(
        folder / INFERENCE,
        {
            "imports": ["$import torch"],
            "bundle_root": ".",
            "device": "$torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
            **definitions,
            "network": f"$@{NETWORK}.to(@device)",
        },
    )


def save_described(folder: Path, info: ModelInfo) -> None:
    """Write the description of a model whose other files are in its folder already."""
    (folder / METADATA).parent.mkdir(exist_ok=True)
    architecture = None if info.runtime is not None else read_architecture(folder)
    _write_json(folder / METADATA, _metadata(info, architecture))


def save_info(folder: Path, info: ModelInfo) -> None:
    """Replace the description in a model's folder, and nothing else."""
    metadata = _json(folder / METADATA)
    metadata[BLOCK] = info.model_dump(mode="json")
    with replacing(folder / METADATA) as path:
        _write_json(path, metadata)


def _defined(definitions: dict[str, Any], name: str, folder: Path) -> Architecture:
    definition = definitions.get(name)
    if not isinstance(definition, dict):
        raise ModelError(f"{folder / INFERENCE} does not define {name}: it is {definition!r}")
    return from_definition(definition)


def _further(folder: Path, first: Architecture) -> list[Architecture]:
    """Read the architectures of an ensemble after the first."""
    definitions = _json(folder / INFERENCE)
    found: list[Architecture] = []
    while (name := f"{NETWORK}_{len(found) + 2}") in definitions:
        one = _defined(definitions, name, folder)
        if _shape(one) != _shape(first):
            raise ModelError(
                f"{name} in {folder} has other axes, channels or stride than {NETWORK}",
                hint="All networks of an ensemble must have the same inputs and outputs",
            )
        found.append(one)
    return found


def _shape(architecture: Architecture) -> tuple[int, ...]:
    a = architecture
    return a.spatial_dims, a.in_channels, a.out_channels, a.stride


def _check_inputs(info: ModelInfo, count: int) -> None:
    if count != len(info.preprocessing.channels):
        raise ModelError(
            f"The network of {info.name} has {count} input channels, but its description names "
            f"{len(info.preprocessing.channels)}"
        )


def _check_channels(info: ModelInfo, architecture: Architecture) -> None:
    if info.reading is not None:  # it makes the channels of the head
        return _check_inputs(info, architecture.in_channels)
    inputs, outputs = (
        len(info.preprocessing.channels),
        info.head.channels(architecture.spatial_dims),
    )
    if (architecture.in_channels, architecture.out_channels) != (inputs, outputs):
        raise ModelError(
            f"The network of {info.name} has {architecture.in_channels} input and "
            f"{architecture.out_channels} output channels, but its description asks for {inputs} "
            f"input and {outputs} output channels"
        )


def _check_axes(info: ModelInfo, architecture: Architecture) -> None:
    info.preprocessing.check_axes(architecture.spatial_dims, info.name)
    if "Z" in info.mirrored and architecture.spatial_dims != 3:
        raise ModelError(f"{info.name} mirrors Z, which needs a 3D network, but its network is 2D")


def _json(path: Path) -> dict[str, Any]:
    inside(path.parent.parent, Path(path.parent.name, path.name))
    return read_json_object(path, _LONGEST, missing=f"The model has no file {path}")


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _metadata(info: ModelInfo, architecture: Architecture | None) -> dict[str, Any]:
    from importlib.metadata import version

    described: dict[str, Any] = {}
    if architecture is not None:
        described = {
            "inputs": {
                "image": _tensor_format(
                    architecture.in_channels, architecture, info.preprocessing.channels
                )
            },
            "outputs": {"pred": _tensor_format(architecture.out_channels, architecture, ())},
        }
    return {
        "version": info.version,
        "monai_version": version("monai"),
        "pytorch_version": version("torch").partition("+")[0],
        "numpy_version": version("numpy"),
        "task": info.description,
        "description": info.description,
        "license": info.licence,
        "data_source": info.data,
        "network_data_format": described,
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
