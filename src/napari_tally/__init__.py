"""Find, separate, count and measure objects in 2D and 3D images with MONAI U-Nets."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .core.volume import Volume
    from .files import read, write
    from .models.folder import load_model
    from .pipeline.api import evaluate, measure, segment, tune
    from .pipeline.api_train import train
    from .pipeline.evaluation import Evaluation
    from .pipeline.result import Result

_HOMES = {
    "Evaluation": "pipeline.evaluation",
    "Result": "pipeline.result",
    "Volume": "core.volume",
    "evaluate": "pipeline.api",
    "load_model": "models.folder",
    "measure": "pipeline.api",
    "read": "files",
    "segment": "pipeline.api",
    "train": "pipeline.api_train",
    "tune": "pipeline.api",
    "write": "files",
}

__all__ = [
    "Evaluation",
    "Result",
    "Volume",
    "evaluate",
    "load_model",
    "measure",
    "read",
    "segment",
    "train",
    "tune",
    "write",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that a dock opens at once."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
