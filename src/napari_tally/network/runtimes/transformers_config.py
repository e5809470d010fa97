"""The configuration of a transformers model: read as plain values, and checked before it is used.

A configuration can ask for code of others (`auto_map`), for a download (`backbone` names, kernels),
or for a network of any size: such ones are refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...core.errors import ModelError, printable
from ...core.json_object import read_json_object

CONFIG = "config.json"
_LONGEST = 2**24  # bytes: id2label of thousands of classes has some 100 kB
_MOST = 2**24  # no number of a network is larger
_MOST_LAYERS = 256
_DEEPEST = 8
_REFUSED = {
    "auto_map": "code of its own, which is not run",
    "custom_pipelines": "code of its own, which is not run",
    "quantization_config": "quantized weights",
    "attn_implementation": "an attention kernel of its own",
    "_attn_implementation": "an attention kernel of its own",
}
_HINT = "Export it to ONNX and import that file"


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    ModelError, FileError
        If it is too large, damaged, or something else.
    """
    return read_json_object(path, _LONGEST)


def checked_config(folder: Path) -> tuple[str, dict[str, Any]]:
    """Return the class of network, and the configuration, of a folder.

    Raises
    ------
    ModelError, FileError
        If it cannot be read, or asks for what is not done here.
    """
    path = folder / CONFIG
    config = read_json(path)
    named = config.get("architectures")
    if not isinstance(named, list) or len(named) != 1 or not isinstance(named[0], str):
        raise ModelError(
            f"{path} does not name the class of its network",
            hint="Its `architectures` must be a list of one name",
        )
    _check(config, path, 0)
    return named[0], config


def _check(config: dict[str, Any], path: Path, depth: int, *, backbones: bool = True) -> None:
    if depth > _DEEPEST:
        raise ModelError(f"{path} is nested too deeply")
    for key, why in _REFUSED.items():
        if config.get(key):
            raise ModelError(f"{path} asks for {why} ({key})", hint=_HINT)
    if backbones:
        _check_backbone(config, path)
    for key, value in config.items():
        if isinstance(value, dict) and not key.endswith(("2id", "2label")):
            # The decoder of MaskFormer is that of a DETR, whose backbone is not used.
            inside = backbones and key != "decoder_config"
            _check(value, path, depth + 1, backbones=inside)
        else:
            _check_numbers(key, value, path)


def _check_backbone(config: dict[str, Any], path: Path) -> None:
    inner = config.get("backbone_config")
    name = config.get("backbone")
    if isinstance(inner, dict):
        kind = str(inner.get("model_type", ""))
        if kind.startswith("timm"):
            raise ModelError(
                f"{path} has a backbone of the package timm ({kind}), which is not used here",
                hint=_HINT,
            )
    elif isinstance(name, str) or config.get("use_timm_backbone"):
        shown = printable(str(name)) if name else "of timm"
        raise ModelError(
            f"{path} names a backbone ({shown}) that would be downloaded",
            hint="Use a folder whose config.json has a `backbone_config`, or export it to ONNX",
        )


def _check_numbers(key: str, value: object, path: Path) -> None:
    layers = any(word in key for word in ("layer", "depth", "block")) and "scale" not in key
    most = _MOST_LAYERS if layers and not key.endswith("_eps") else _MOST
    for number in value if isinstance(value, list) else [value]:
        if isinstance(number, (int, float)) and abs(number) > most:
            raise ModelError(f"{path} sets {printable(key)} to {number:g}, too large for a network")
