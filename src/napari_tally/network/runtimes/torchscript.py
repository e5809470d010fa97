"""TorchScript files, run by PyTorch; they can hold code, so the user must trust them first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ...core.errors import ModelError
from .runtime import Runtime, Session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    import torch
    from numpy.typing import NDArray


class TorchScript(Runtime):
    """A network saved with `torch.jit.save`, on the CPU or a GPU."""

    runs_code: ClassVar[bool] = True
    what: ClassVar[str] = "a TorchScript file"

    name: Literal["torchscript"] = "torchscript"
    file: str = "models/model.pt"

    def session(self, path: Path, device: torch.device) -> Session:
        import torch

        network = loaded(path, device)

        def run(image: NDArray[np.float32]) -> dict[str, NDArray[np.generic]]:
            with torch.inference_mode():
                try:
                    given = network(torch.from_numpy(image[None]).to(device))
                except RuntimeError as error:
                    raise _cause(path, image.shape, error) from error
            return {name: array.cpu().numpy() for name, array in _arrays(given, path)}

        return run


def loaded(path: Path, device: torch.device) -> torch.jit.ScriptModule:
    """Load a TorchScript file that the user trusts, frozen where it can be.

    Raises
    ------
    ModelError
        If it is damaged, or of a version that this PyTorch does not read.
    """
    import torch

    try:
        network: torch.jit.ScriptModule = torch.jit.load(path, map_location=device).eval()
    except Exception as error:  # a damaged archive raises anything
        raise ModelError(f"{path} cannot be loaded: {_first_line(error)}") from error
    try:
        frozen: torch.jit.ScriptModule = torch.jit.freeze(network)
    except RuntimeError:  # a part of it changes while it runs
        frozen = network
    return frozen


def _arrays(given: Any, path: Path, name: str = "output") -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the tensors of an output, which may be in tuples and dictionaries, with names."""
    import torch

    if isinstance(given, torch.Tensor):
        yield name, given
    elif isinstance(given, tuple | list):
        for number, each in enumerate(given):
            yield from _arrays(each, path, f"{name}{number}")
    elif isinstance(given, dict):
        for key, each in given.items():
            yield from _arrays(each, path, str(key))
    elif given is not None:
        raise ModelError(f"The network in {path} returns a {type(given).__name__}, not arrays")


def _cause(path: Path, shape: tuple[int, ...], error: RuntimeError) -> Exception:
    """Return the error of a network that does not take an image; memory is another matter."""
    text = str(error).lower()
    if "out of memory" in text or "allocate memory" in text:
        return error
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return ModelError(f"The network in {path} does not take an image of shape {shape}: {lines[-1]}")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
