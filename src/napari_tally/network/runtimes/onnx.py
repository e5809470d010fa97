"""ONNX files, run by onnxruntime."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from ...core.errors import ModelError
from .runtime import Runtime, Session

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import torch
    from numpy.typing import NDArray


class Onnx(Runtime):
    """An ONNX file. No code in it is run; external data and custom operators are refused."""

    requires: ClassVar[str] = "onnxruntime"
    extra: ClassVar[str] = "onnx"

    name: Literal["onnx"] = "onnx"
    file: str = "models/model.onnx"

    def session(self, path: Path, device: torch.device) -> Session:
        self.check_installed()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            loaded = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ModelError(f"{path} cannot be loaded: {str(error).splitlines()[0]}") from error
        first, names = loaded.get_inputs()[0].name, [o.name for o in loaded.get_outputs()]

        def run(image: NDArray[np.float32]) -> dict[str, NDArray[np.generic]]:
            return dict(zip(names, loaded.run(names, {first: image[None]}), strict=True))

        return run
