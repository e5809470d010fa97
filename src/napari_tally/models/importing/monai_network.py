"""The network of a MONAI bundle as an architecture of ours, and its weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import FileError, ModelError, printable
from ...network.architectures import Architecture, from_definition
from ..weights import built

if TYPE_CHECKING:
    from torch import Tensor

    from .monai_config import Config

_KEYS = ("network_def", "network", "net", "model")
_PACKAGE = "monai.networks.nets."
_MARKS = ("_requires_", "_disabled_", "_desc_", "_mode_")
_LINEAR: Any = ("instance", {"affine": True})
# Arguments that MONAI sets itself where a bundle does not, and ours have other defaults for.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "UNet": {"norm": "instance", "num_res_units": 0},
    "AttentionUnet": {},
    "BasicUNet": {"spatial_dims": 3, "in_channels": 1, "out_channels": 2, "norm": _LINEAR},
    "SegResNet": {
        "spatial_dims": 3, "in_channels": 1, "out_channels": 2, "init_filters": 8,
        "norm": ("group", {"num_groups": 8}),
    },
    "DynUNet": {"norm_name": _LINEAR, "res_block": False},
    "FlexibleUNet": {"spatial_dims": 2},
    "SwinUNETR": {"spatial_dims": 3, "norm_name": "instance"},
    "UNETR": {"spatial_dims": 3, "norm_name": "instance"},
    "HoVerNet": {"spatial_dims": 2, "mode": "fast", "in_channels": 3},
}  # fmt: skip
_UNUSED = {  # in inference, or by MONAI itself
    "FlexibleUNet": ("pretrained",), "SwinUNETR": ("img_size", "use_checkpoint"),
    "UNETR": ("save_attn",),
    "HoVerNet": ("pretrained_url", "adapt_standard_resnet", "pretrained_state_dict_key",
                 "freeze_encoder"),
}  # fmt: skip
_SINGLE = ("kernel_size", "up_kernel_size", "img_size", "window_size", "patch_size")
_WRAPPERS = ("model", "state_dict", "network", "net", "model_state_dict")


def read_network(config: Config) -> Architecture:
    """Return the architecture that a bundle states, with axes in MONAI's order.

    Raises
    ------
    ModelError
        If it has none, one of an unknown class, or arguments that are not supported.
    """
    key = next((k for k in _KEYS if isinstance(_raw(config, k), dict)), None)
    if key is None:
        raise ModelError(
            f"{config.path} does not define network_def",
            hint="Only networks that the configuration states as values are read",
        )
    arguments = config.value(key)
    target = str(arguments.pop("_target_", ""))
    name = target.rpartition(".")[2] if _of_monai(target) else ""
    if name not in _DEFAULTS:
        raise ModelError(
            f"The network {printable(target)!r} of {config.folder} is not supported",
            hint=f"Supported are {', '.join(_DEFAULTS)} of MONAI; export others to ONNX",
        )
    fields = _fields(name, {k: v for k, v in arguments.items() if k not in _MARKS}, config)
    return from_definition({"_target_": _target(name), **fields})


def _raw(config: Config, key: str) -> Any:
    value = config.raw(key) if config.has(key) else None
    stands_for = isinstance(value, str) and value[:1] in ("@", "%")
    return config.resolved(value, (key,)) if stands_for else value


def _of_monai(target: str) -> bool:
    return "." not in target or target.startswith("monai.networks.nets")


def _target(name: str) -> str:
    if name == "HoVerNet":
        from ...network.architectures.hovernet import HoVerNet

        return HoVerNet.target()
    return _PACKAGE + name


def _fields(name: str, given: dict[str, Any], config: Config) -> dict[str, Any]:
    """Return the fields of an architecture for the arguments of a bundle."""
    fields = {**_DEFAULTS[name], **given}
    for unused in _UNUSED.get(name, ()):
        fields.pop(unused, None)
    for former, now in (("dimensions", "spatial_dims"), ("pos_embed", "proj_type")):
        if former in fields:
            fields[now] = fields.pop(former)
    for key in [k for k in fields if "dropout" in k and isinstance(fields[k], list)]:
        del fields[key]  # a kind of dropout, which has no weights and no effect in inference
    needed = [k for k in ("spatial_dims", "in_channels", "out_channels") if k not in fields]
    if needed and name != "HoVerNet":
        raise ModelError(f"The network_def in {config.path} lacks {needed[0]}")
    if name == "SegResNet":
        fields = _seg_res_net(fields)
    if name == "DynUNet":
        return _dyn_unet(fields, config)
    for key in _SINGLE:
        value = fields.get(key)
        if isinstance(value, list) and value and len(set(map(str, value))) == 1:
            fields[key] = value[0]
    for key in ("upsample", "upsample_mode", "mode", "interp_mode"):
        if isinstance(fields.get(key), str):
            fields[key] = fields[key].lower()
    return fields


def _seg_res_net(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields without the former `norm_name` and `num_groups`."""
    name, groups = fields.pop("norm_name", ""), fields.pop("num_groups", 8)
    if name:
        fields["norm"] = (name, {"num_groups": groups}) if name.lower() == "group" else name
    return fields


def _dyn_unet(fields: dict[str, Any], config: Config) -> dict[str, Any]:
    strides = fields.get("strides")
    up = fields.pop("upsample_kernel_size", None)
    if isinstance(strides, list) and up is not None and up != strides[1:]:
        raise ModelError(
            f"The DynUNet in {config.path} has upsample_kernel_size {up}, which is supported only "
            f"if it equals the strides {strides[1:]}"
        )
    if fields.get("filters") is None and isinstance(strides, list):
        most = 320 if fields["spatial_dims"] == 3 else 512
        fields["filters"] = [min(2 ** (5 + i), most) for i in range(min(len(strides), 16))]
    return fields


def read_weights(architecture: Architecture, path: Path) -> dict[str, Tensor]:
    """Return the weights of a checkpoint that fits an architecture, in full precision.

    Raises
    ------
    ModelError
        If the file would run code, cannot be read, or belongs to another network.
    """
    import torch

    state = _state(_loaded(path), path)
    prefix = "model." if architecture.name == "HoVerNet" else ""
    state = {prefix + name: tensor for name, tensor in state.items()}
    network = built(architecture, path)
    wanted = network.state_dict()
    _check_names({n.removeprefix(prefix): t for n, t in wanted.items()},
                 {n.removeprefix(prefix): t for n, t in state.items()}, path)  # fmt: skip
    return {
        name: (state[name].to(torch.float32) if state[name].is_floating_point() else state[name])
        .clone()
        .contiguous()
        for name in wanted
    }


def _loaded(path: Path) -> Any:
    import torch
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # a damaged pickle raises anything
        if type(error).__name__ == "UnpicklingError":
            raise ModelError(
                f"{path} holds more than weights, which would run code",
                hint="Save its state_dict alone",
            ) from error
        raise ModelError(
            f"The weights in {path} cannot be read: {(str(error).splitlines() or [''])[0][:200]}"
        ) from error


def _state(found: Any, path: Path) -> dict[str, Tensor]:
    import torch

    for key in _WRAPPERS:
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
            break
    tensors = isinstance(found, dict) and all(
        isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in found.items()
    )
    if not tensors or not found:
        raise ModelError(f"{path} holds no state_dict of a network")
    state: dict[str, Tensor] = found
    wrapped = all(name.startswith("module.") for name in state)
    return {name.removeprefix("module.") if wrapped else name: t for name, t in state.items()}


def _check_names(wanted: dict[str, Tensor], state: dict[str, Tensor], path: Path) -> None:
    missing = [name for name in wanted if name not in state]
    extra = [name for name in state if name not in wanted]
    if missing:
        raise ModelError(f"{path} lacks {len(missing)} weights of the network, such as "
                         f"{missing[0]}")  # fmt: skip
    if extra:
        raise ModelError(
            f"{path} has {len(extra)} weights that the network does not have, such as "
            f"{printable(extra[0])}"
        )
    for name, tensor in wanted.items():
        if tensor.shape != state[name].shape:
            raise ModelError(
                f"{name} in {path} has the shape {tuple(state[name].shape)}, but the network "
                f"{tuple(tensor.shape)}"
            )
