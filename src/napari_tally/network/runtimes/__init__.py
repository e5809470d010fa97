"""Runtimes: what runs the networks of imported models, one per file."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, SerializeAsAny

from .onnx import Onnx
from .runtime import RUNTIMES, Runtime, Session
from .torchscript import TorchScript
from .transformers_runtime import Transformers

for _member in (Onnx, TorchScript, Transformers):
    RUNTIMES.register(_member)

__all__ = ["RUNTIMES", "AnyRuntime", "Onnx", "Runtime", "Session", "TorchScript", "Transformers"]

AnyRuntime = Annotated[SerializeAsAny[Runtime], BeforeValidator(RUNTIMES.validate)]
