"""Weights of a model: safetensors, or a checkpoint that torch reads with `weights_only=True`.

The first network of a model is in `model.safetensors` (or `model.pt`), where MONAI loads it from;
the others of an ensemble are in `model_2.safetensors` and so on.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import ModelError, TallyError
from ..network.graphs.store import store_graph, stored_graph

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from ..network.architectures import Architecture

WEIGHTS = Path("models/model.safetensors")
_ALWAYS = 2**24  # parameters, which any machine can hold
CHECKPOINT = Path("models/model.pt")


def weights_path(number: int) -> Path:
    """Return the path of the weights of the first (1), second, ... network in a model's folder."""
    return WEIGHTS if number == 1 else WEIGHTS.with_stem(f"{WEIGHTS.stem}_{number}")


def find_weights(folder: Path, count: int) -> list[Path]:
    """Return the files with the weights of so many networks.

    Raises
    ------
    ModelError
        If one is missing.
    """
    wanted = [(WEIGHTS, CHECKPOINT), *((weights_path(n),) for n in range(2, count + 1))]
    return [_first_of(folder, paths) for paths in wanted]


def _first_of(folder: Path, paths: tuple[Path, ...]) -> Path:
    for path in paths:
        if (folder / path).is_file():
            return inside(folder, path)
    others = [p.name for p in (folder / "models").glob("*")]
    raise ModelError(
        f"There are no weights in {folder / paths[0]}"
        + f", only {', '.join(others)}" * bool(others),
        hint="TorchScript and pickled networks run code and are not loaded",
    )


def inside(folder: Path, part: Path) -> Path:
    """Return the path of a part of a model, which links must not lead out of its folder.

    Raises
    ------
    ModelError
        If they do.
    """
    path = folder / part
    try:
        stays = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # links in a circle
        stays = False
    if not stays:
        raise ModelError(f"{path} is a link out of the folder of the model, and is not followed")
    return path


def built(architecture: Architecture, weights: Path) -> nn.Module:
    """Make the network of some weights, unless their file is far too small for it.

    It is made from its stored graph, which needs no import of MONAI; without one, from MONAI, and
    its graph is stored for the next time.

    Raises
    ------
    ModelError
        If the network cannot be built, or is larger than its weights.
    """
    try:
        graph = stored_graph(architecture)
        if graph is not None:
            _check_size(graph.parameter_count, weights)
            return graph.build().eval()
        _check_size(parameters(architecture), weights)
        network = architecture.build().eval()
        graph = store_graph(architecture, network)
        return network if graph is None else graph.build().eval()
    except (TallyError, MemoryError):
        raise
    except Exception as error:
        raise ModelError(
            f"The network of {weights.parent.parent} cannot be built: {_first_line(error)}"
        ) from error


def _check_size(count: int, weights: Path) -> None:
    size = weights.stat().st_size
    if count > max(size, _ALWAYS):
        raise ModelError(f"The network has {count:,} parameters, but {weights} only {size:,} bytes")


def parameters(architecture: Architecture) -> int:
    """Count the parameters of a network without memory for them."""
    import torch
    from torch.overrides import TorchFunctionMode

    class Numbers(TorchFunctionMode):
        """MONAI's SwinUNETR reads the numbers of a line, which others have on no device."""

        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            on = {"device": "cpu"} if func is torch.linspace else {}
            return func(*args, **on, **(kwargs or {}))

    with torch.device("meta"), Numbers():
        return sum(p.numel() for p in architecture.build().parameters())


def load_weights(network: nn.Module, path: Path) -> None:
    """Load the weights of a file into a network; names must match exactly.

    Raises
    ------
    ModelError
        If the file cannot be read, would run code, or belongs to another network.
    """
    state = _read(path)
    for name, first in _names(network).items():
        if first in state:
            state.setdefault(name, state[first])
    try:
        network.load_state_dict(state, strict=True)
    except (RuntimeError, TypeError, ValueError, NotImplementedError) as error:
        detail = " ".join(str(error).split("\n\t")[1:2]).strip() or _first_line(error)
        raise ModelError(
            f"The weights in {path} do not fit the network: {detail[:200].rstrip('.')}"
        ) from error


def save_weights(path: Path, weights: Mapping[str, Tensor], network: nn.Module) -> None:
    """Write the weights of a network, those of convolutions in half precision.

    Weights with several names (MONAI's `DynUNet` names its layers twice) are written once;
    `load_weights` and `monai.bundle.load` read these files.
    """
    from safetensors.torch import save_file

    names = dict.fromkeys(_names(network).values())
    # Cloned: safetensors refuses shared memory.
    halved = {name: _halved(weights[name]).clone().contiguous() for name in names}
    save_file(halved, path)


def _read(path: Path) -> dict[str, Tensor]:
    import torch
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:
        if type(error).__name__ != "UnpicklingError":  # a damaged pickle raises anything
            raise ModelError(
                f"The weights in {path} cannot be read: {_first_line(error).rstrip('.')}"
            ) from error
        raise ModelError(
            f"The weights in {path} are a pickled object, which would run code",
            hint="Save them as safetensors",
        ) from error
    if not isinstance(state, dict):
        raise ModelError(f"{path} holds a {type(state).__name__}, not a dictionary of weights")
    for name, tensor in state.items():
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor):
            raise ModelError(f"{path} holds {str(name)[:80]!r}, which is not the name of a tensor")
    return state


def _names(network: nn.Module) -> dict[str, str]:
    """Map the names of a network's weights to the first name of the same tensor."""
    first: dict[int, str] = {}
    held = network.state_dict(keep_vars=True)
    return {name: first.setdefault(id(tensor), name) for name, tensor in held.items()}


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _halved(tensor: Tensor) -> Tensor:
    """Convert matrices and kernels to half precision; batch norm statistics need their range."""
    return tensor.half() if tensor.is_floating_point() and tensor.ndim > 1 else tensor
