"""Find, separate, count and measure objects in 2D and 3D images with MONAI U-Nets."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api.evaluate import evaluate
    from .api.measure import measure
    from .api.models import import_model
    from .api.segment import segment
    from .api.train import train
    from .api.tune import tune
    from .core.volume import Volume
    from .evaluation.evaluation import Evaluation
    from .files import read, write
    from .models.bundle import load_model
    from .segmentation.result import Result

_HOMES = {
    "Evaluation": "evaluation.evaluation",
    "Result": "segmentation.result",
    "Volume": "core.volume",
    "evaluate": "api.evaluate",
    "import_model": "api.models",
    "load_model": "models.bundle",
    "measure": "api.measure",
    "read": "files",
    "segment": "api.segment",
    "train": "api.train",
    "tune": "api.tune",
    "write": "files",
}

__all__ = [
    "Evaluation",
    "Result",
    "Volume",
    "evaluate",
    "import_model",
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
