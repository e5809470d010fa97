"""The files of a training run, each written whole or not at all."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.atomic import replacing, write_text
from ...core.errors import FileError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

LAST, BEST, LOG = "last.pt", "best.pt", "log.json"


def save(content: dict[str, Any], path: Path) -> None:
    """Write tensors and plain values; `path` holds either the old or the new ones.

    Raises
    ------
    FileError
        If the folder cannot be written, or is full.
    """
    import torch

    # Via memory, since torch's errors do not mention a full disk.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with replacing(path) as part, part.open("wb") as file:
        file.write(buffer.getbuffer())


def load(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read a file that `save` wrote, without running code from it.

    Raises
    ------
    FileError
        If it cannot be read.
    """
    import torch

    try:
        found = torch.load(path, map_location=device, weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # a damaged pickle raises anything
        raise FileError(
            f"Checkpoint {path} cannot be read: {(str(error).splitlines() or ['it is empty'])[0]}",
            hint="Delete it to start again",
        ) from error
    if not isinstance(found, dict):
        raise FileError(
            f"Checkpoint {path} holds a {type(found).__name__}, not the state of a training",
            hint="Delete it to start again",
        )
    return found


def best_weights(folder: Path) -> dict[str, Tensor]:
    """Return the best weights of a run."""
    return load(folder / BEST)


def last_weights(folder: Path) -> dict[str, Tensor]:
    """Return the averaged weights of the last checkpoint of a run."""
    average = load(folder / LAST).get("average")
    if not isinstance(average, dict):
        raise FileError(f"Checkpoint {folder / LAST} has no averaged weights")
    prefix = "module."
    return {k.removeprefix(prefix): w for k, w in average.items() if k.startswith(prefix)}


def write_log(content: dict[str, Any], folder: Path) -> None:
    """Write the losses and scores of a run as JSON."""
    write_text(json.dumps(content), folder / LOG)
