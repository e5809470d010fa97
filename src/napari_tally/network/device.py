"""The device and the precision in which a network runs."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from ..core.errors import InputError

if TYPE_CHECKING:
    import torch
    from torch import nn

Precision = Literal["auto", "float32", "bfloat16", "float16"]
Device = Annotated[
    str, Field(description="Where the network runs: auto, cpu, cuda, cuda:1 or mps.")
]


def choose_device(name: str = "auto") -> torch.device:
    """Return a device by name; `auto` is CUDA, else Apple's MPS, else the CPU.

    Raises
    ------
    InputError
        If this machine does not have it.
    """
    import torch

    found = ["cpu"]
    if torch.backends.mps.is_available():
        found.insert(0, "mps")
    if torch.cuda.is_available():
        found.insert(0, "cuda")
    if name == "auto":
        return torch.device(found[0])
    kind, _, index = name.partition(":")
    count = torch.cuda.device_count() if kind == "cuda" else 1
    if kind not in found or (index and not (index.isdigit() and int(index) < count)):
        raise InputError(
            f"This machine has no device {name!r}", hint=f"Available: auto, {', '.join(found)}"
        )
    return torch.device(name)


def choose_dtype(device: torch.device, precision: Precision = "auto") -> torch.dtype:
    """Return the dtype to run in; `auto` is 16-bit if the hardware supports it."""
    import torch

    if precision != "auto":
        chosen: torch.dtype = getattr(torch, precision)
        return chosen
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.bfloat16 if device.type == "cpu" and cpu_has_bf16() else torch.float32


def cpu_has_bf16() -> bool:
    """Return whether the CPU multiplies bfloat16 natively (AVX-512 BF16, AMX or ARM BF16)."""
    import torch

    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(unit) for unit in ("avx512_bf16", "amx_bf16", "bf16", "arm_bf16"))


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[object]:
    """Return the context in which a network computes in `dtype`."""
    import torch

    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(device.type, dtype)


def use_channels_last(network: nn.Module, spatial_dims: int) -> None:
    """Convert the weights of a network to the layout of `memory_format`."""
    network.to(memory_format=memory_format(spatial_dims))  # type: ignore[call-overload]


def memory_format(spatial_dims: int) -> torch.memory_format:
    """Return the channels-last layout, in which convolutions are fastest."""
    import torch

    return torch.channels_last if spatial_dims == 2 else torch.channels_last_3d
