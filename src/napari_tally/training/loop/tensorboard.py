"""Log files for TensorBoard, where its package is installed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

logger = logging.getLogger("napari_tally")


class Boards:
    """Writes scalars by step, or nothing if they are not wanted or the package is missing."""

    def __init__(self, folder: Path, *, wanted: bool) -> None:
        self.writer: Any = _writer(folder) if wanted else None

    def add(self, step: int, numbers: Mapping[str, float]) -> None:
        """Write some numbers of a step."""
        if self.writer is None:
            return
        for name, value in numbers.items():
            self.writer.add_scalar(name, value, step)
        self.writer.flush()


def _writer(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        logger.info("TensorBoard logs are off: install the package tensorboard.")
        return None
    return SummaryWriter(folder / "tensorboard")
