"""Checkpoints of nnU-Net v2: weights and a few plain values, read without running code."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.errors import ModelError, printable

if TYPE_CHECKING:
    from torch import Tensor

    from ...network.architectures import Architecture

_KINDS = "biuf"  # of numpy's plain numbers
_NUMBERS = (
    np.float16, np.float32, np.float64, np.int8, np.int16, np.int32, np.int64,
    np.uint8, np.uint16, np.uint32, np.uint64, np.bool_,
)  # fmt: skip


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds.

    Attributes
    ----------
    weights : dict of str to Tensor
        By nnU-Net's names.
    mirrored : tuple of int or None
        Axes along which the input is mirrored in inference.
    """

    path: Path
    weights: Mapping[str, Tensor]
    configuration: str
    trainer: str
    mirrored: tuple[int, ...]


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; nothing but tensors, plain values and numpy's numbers is loaded.

    Raises
    ------
    ModelError
        If it cannot be read, would run code, or is none of nnU-Net v2.
    """
    content = _loaded(path)
    weights = content.get("network_weights")
    init = content.get("init_args")
    if not isinstance(weights, Mapping) or not isinstance(init, Mapping):
        raise ModelError(
            f"{path} has no network_weights and init_args: it is no checkpoint of nnU-Net v2",
            hint="Models of nnU-Net v1 cannot be imported",
        )
    axes = content.get("inference_allowed_mirroring_axes") or ()
    return Checkpoint(
        path,
        weights,
        str(init.get("configuration", "")),
        printable(str(content.get("trainer_name", "")))[:80],
        tuple(int(axis) for axis in axes),
    )


def own_weights(
    checkpoint: Checkpoint, architecture: Architecture, order: tuple[int, ...]
) -> dict[str, Tensor]:
    """Return the weights of a checkpoint by our names, with the axes of kernels in our order.

    Parameters
    ----------
    order : tuple of int
        The axis of the network that is each of ours.

    Raises
    ------
    ModelError
        If one is missing, unknown or of another shape.
    """
    import torch

    with torch.device("meta"):
        wanted = architecture.build().state_dict()
    stages = len(getattr(architecture, "decoder_counts", ()))
    found: dict[str, Tensor] = {}
    for name, tensor in checkpoint.weights.items():
        own = _own_name(str(name), stages)
        if own is None:
            continue
        if own not in wanted or not isinstance(tensor, torch.Tensor):
            raise _misfit(checkpoint, f"{printable(str(name))[:120]} is not part of the network")
        if tensor.ndim > 3:
            tensor = tensor.permute(0, 1, *(axis + 2 for axis in order))
        if tensor.shape != wanted[own].shape:
            shapes = f"{tuple(tensor.shape)}, not {tuple(wanted[own].shape)}"
            raise _misfit(checkpoint, f"{name} has the shape {shapes}")
        found[own] = tensor.contiguous()
    missing = [name for name in wanted if name not in found]
    if missing:
        raise _misfit(checkpoint, f"{missing[0]} is missing ({len(missing)} in all)")
    return found


def _misfit(checkpoint: Checkpoint, what: str) -> ModelError:
    trainer = checkpoint.trainer
    changed = "" if trainer in ("", "nnUNetTrainer") else f" Its trainer is {trainer}"
    return ModelError(
        f"The weights in {checkpoint.path} do not fit the network of the plans: {what}",
        hint=f"Trainers that build other networks cannot be imported.{changed}",
    )


def _own_name(name: str, stages: int) -> str | None:
    """Return our name of a weight; None for a second name, or a head for deep supervision."""
    for prefix in ("module.", "_orig_mod."):
        name = name.removeprefix(prefix)
    if name.startswith("decoder.encoder.") or ".all_modules." in name:
        return None
    head = "decoder.seg_layers."
    if not name.startswith(head):
        return name
    number, _, rest = name.removeprefix(head).partition(".")
    if number.isdecimal() and int(number) < stages - 1:
        return None
    return f"decoder.output.{rest}" if number == str(stages - 1) else name


def _loaded(path: Path) -> dict[str, Any]:
    import torch
    from torch.serialization import safe_globals

    names = ("numpy._core.multiarray.scalar", "numpy.core.multiarray.scalar")
    known: list[Any] = [(_scalar, name) for name in names]
    known += [np.dtype, *{type(np.dtype(kind)) for kind in _NUMBERS}]
    try:
        with safe_globals(known):
            content = torch.load(
                path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
            )
    except MemoryError:
        raise
    except FileNotFoundError:
        raise ModelError(f"The model has no file {path}") from None
    except Exception as error:
        if type(error).__name__ == "UnpicklingError":
            raise ModelError(
                f"{path} is a pickle that would run code, or is damaged",
                hint="A checkpoint of nnU-Net holds tensors and numbers only",
            ) from error
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{path} cannot be read: {line.rstrip('.')[:200]}") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} holds a {type(content).__name__}, no checkpoint of nnU-Net v2")
    return content


def _scalar(kind: Any, data: Any = b"") -> Any:
    """Make a number of numpy, in place of numpy's own function, which also makes objects."""
    if not isinstance(kind, np.dtype) or kind.kind not in _KINDS or not isinstance(data, bytes):
        raise ValueError(f"{kind} is no number")
    return np.frombuffer(data, kind, 1)[0]
