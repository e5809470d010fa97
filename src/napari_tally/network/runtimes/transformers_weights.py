"""Networks of transformers from a folder: strict, local, without code from it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import ModelError, TallyError, printable
from .transformers_config import checked_config, read_json
from .transformers_families import family_of

if TYPE_CHECKING:
    from torch import Tensor, nn

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLE, PICKLE_INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"
_RECOMPUTED = ("num_batches_tracked", "relative_position_index", "position_ids")
_ALWAYS = 2**24  # parameters, which any machine can hold


def weight_files(folder: Path) -> list[Path]:
    """Return the files of the weights: safetensors, else pickled ones; several if they are split.

    Raises
    ------
    ModelError, FileError
        If there are none, or the index leads out of the folder.
    """
    for whole, index in ((WEIGHTS, INDEX), (PICKLE, PICKLE_INDEX)):
        if (folder / whole).is_file():
            return [folder / whole]
        if (folder / index).is_file():
            return _parts(folder / index)
    others = sorted(p.name for p in folder.iterdir() if p.suffix in (".h5", ".msgpack", ".onnx"))
    raise ModelError(
        f"There are no weights in {folder}" + f", only {', '.join(others[:4])}" * bool(others),
        hint=f"Its weights must be in {WEIGHTS}",
    )


def _parts(index: Path) -> list[Path]:
    named = read_json(index).get("weight_map")
    if not isinstance(named, dict) or not named:
        raise ModelError(f"{index} names no files of weights")
    names = sorted({str(name) for name in named.values()})
    for name in names:
        if Path(name).name != name or not name.endswith((".safetensors", ".bin")):
            raise ModelError(f"{index} names {printable(name)!r}, which is no file of weights")
        if not (index.parent / name).is_file():
            raise ModelError(f"The file {name} of the weights in {index.parent} is missing")
    return [index.parent / name for name in names]


def read_weights(files: list[Path]) -> dict[str, Tensor]:
    """Read weights; pickled ones only if they are nothing but tensors.

    Raises
    ------
    ModelError
        If a file is damaged, or reading it would run code.
    """
    import torch
    from safetensors.torch import load_file

    found: dict[str, Tensor] = {}
    for path in files:
        try:
            if path.suffix == ".safetensors":
                found |= load_file(path)
            else:
                found |= torch.load(path, map_location="cpu", weights_only=True)
        except MemoryError:
            raise
        except Exception as error:  # a damaged file raises anything
            if type(error).__name__ == "UnpicklingError":
                raise ModelError(
                    f"The weights in {path} are a pickled object, which would run code",
                    hint="Convert them to safetensors",
                ) from error
            detail = (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelError(f"The weights in {path} cannot be read: {detail[:200]}") from error
    return found


def load_network(folder: Path, classes: tuple[str, ...] = ()) -> nn.Module:
    """Return the network of a folder, for inference.

    With other `classes` than its own the layer that tells them apart has random weights.

    Raises
    ------
    ModelError, FileError
        If the configuration asks for what is not done here, or the weights are not exactly those of
        the network.
    """
    architecture, config = checked_config(folder)
    family_of(architecture)
    if classes:
        config = with_classes(config, classes)
    files = weight_files(folder)
    weights = read_weights(files)
    with offline(), _quiet():
        try:
            size = sum(f.stat().st_size for f in files)
            return _built(architecture, config, weights, size, other_classes=bool(classes))
        except (TallyError, MemoryError):
            raise
        except Exception as error:  # transformers checks little of a configuration
            detail = (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelError(
                f"The {architecture} in {folder} cannot be built: {detail[:200].rstrip('.')}"
            ) from error


def with_classes(config: dict[str, Any], classes: tuple[str, ...]) -> dict[str, Any]:
    """Return a configuration for other classes."""
    return {
        **config,
        "id2label": {str(i): name for i, name in enumerate(classes)},
        "label2id": {name: i for i, name in enumerate(classes)},
        "num_labels": len(classes),
    }


def _built(
    architecture: str,
    config: dict[str, Any],
    weights: dict[str, Tensor],
    size: int,
    *,
    other_classes: bool,
) -> nn.Module:
    import torch
    import transformers

    kind = getattr(transformers, architecture, None)
    if kind is None:
        raise ModelError(
            f"transformers {transformers.__version__} has no {architecture}",
            hint='Update it with: pip install -U "napari-tally[transformers]"',
        )
    options = kind.config_class.from_dict(config)
    _check_timm(options)
    with torch.device("meta"):
        count = sum(p.numel() for p in kind(options).parameters())
    if count > max(size, _ALWAYS):
        raise ModelError(f"The network has {count:,} parameters, but its weights {size:,} bytes")
    network, info = kind.from_pretrained(
        None,
        config=options,
        state_dict=weights,
        dtype=torch.float32,
        trust_remote_code=False,
        use_safetensors=True,
        local_files_only=True,
        ignore_mismatched_sizes=True,  # they are reported, and refused
        output_loading_info=True,
    )
    if other_classes:
        info = {
            **info,
            "mismatched_keys": [m for m in info["mismatched_keys"] if not _of_classes(m)],
        }
    _check_complete(info, architecture)
    loaded: nn.Module = network.eval()
    return loaded


def _of_classes(mismatched: Any) -> bool:
    """Return whether a weight belongs to the layer of the classes, or their weights in the loss."""
    return any(part in str(mismatched[0]) for part in ("class_predictor", "empty_weight"))


def _check_timm(options: Any) -> None:
    inner = getattr(options, "backbone_config", None)
    if str(getattr(inner, "model_type", "")).startswith("timm"):
        raise ModelError(
            "The configuration names no backbone, and that of timm would be downloaded",
            hint="Use a folder whose config.json has a `backbone_config`, or export it to ONNX",
        )


def _check_complete(info: dict[str, Any], architecture: str) -> None:
    """Refuse weights that are missing, unexpected or of another shape: they would be random."""
    for what, key in (("missing", "missing_keys"), ("not used", "unexpected_keys")):
        names = sorted(n for n in map(str, info[key]) if not n.endswith(_RECOMPUTED))
        if names:
            raise ModelError(
                f"The weights do not fit {architecture}: {len(names)} are {what}, such as "
                f"{printable(names[0])}"
            )
    wrong = sorted(str(found[0]) for found in info["mismatched_keys"])
    if wrong:
        raise ModelError(
            f"The weights do not fit {architecture}: {len(wrong)} have another shape, such as "
            f"{printable(wrong[0])}"
        )


@contextmanager
def offline() -> Iterator[None]:
    """Keep Hugging Face's libraries from asking the hub."""
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    from huggingface_hub import constants

    known, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = known
        if before is None:
            del os.environ["HF_HUB_OFFLINE"]
        else:
            os.environ["HF_HUB_OFFLINE"] = before


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from printing remarks, and its report of weights, which is checked."""
    from transformers.utils import logging as transformers_logging

    logging: Any = transformers_logging
    level = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
