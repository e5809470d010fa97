"""ONNX files, run by onnxruntime."""

from __future__ import annotations

import logging
import re
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import psutil
from pydantic import Field

from ...core.cores import allowed_threads
from ...core.errors import ModelError, printable
from .onnx_session import OnnxSession, reason
from .runtime import Runtime

if TYPE_CHECKING:
    from pathlib import Path

    import torch

logger = logging.getLogger("napari_tally")

GRID_SAMPLE = (
    "Mask2Former fails so when it is exported with a fixed size: export it with free height and "
    "width (dynamic axes)"
)
_LARGEST = 2**31  # bytes: the limit of the format
_SHARE = 0.8  # of the memory that is free when the first model is loaded
_ONE_CHUNK_A_REQUEST = 1  # of onnxruntime's strategies to enlarge its pool
_FATAL = 4  # what is written to the terminal


class Onnx(Runtime):
    """An ONNX file. No code in it is run; custom operators and links to other folders are refused.

    Attributes
    ----------
    axes : str
        The axes of the image input: N (batch), C, and Z, Y, X. Default: N, C, then spatial axes.
    """

    requires: ClassVar[str] = "onnxruntime"
    extra: ClassVar[str] = "onnx"

    name: Literal["onnx"] = "onnx"
    file: str = "models/model.onnx"
    axes: str = Field(
        "", pattern=r"^(N?CZ?YX|N?Z?YXC|N?Z?YX)?$", description="Axes of the input, such as NYXC."
    )

    @property
    def layout(self) -> str:
        """The axes of the image input."""
        return self.axes or "NC" + "ZYX"[-self.spatial_dims :]

    def session(self, path: Path, device: torch.device) -> OnnxSession:
        """Load the network, for the GPU if this onnxruntime has one and `device` is CUDA."""
        self.check_installed()
        return OnnxSession(_loaded(path, device.type == "cuda"), self.layout, path.name)


def _loaded(path: Path, gpu: bool) -> Any:
    """Return the session of onnxruntime, with limited threads and memory.

    Raises
    ------
    ModelError
        If the file is damaged or asks for what onnxruntime does not have.
    """
    import onnxruntime

    size = path.stat().st_size
    if size > _LARGEST:
        raise ModelError(f"{path.name} has {size:,} bytes, but ONNX files have at most 2 GiB")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL
    options.intra_op_num_threads, options.inter_op_num_threads = allowed_threads(), 1
    # Two sessions whose threads spin took 20 s a run on two busy cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    _limit_memory()
    options.add_session_config_entry("session.use_env_allocators", "1")
    wanted = ["CUDAExecutionProvider"] * gpu + ["CPUExecutionProvider"]
    providers = [p for p in wanted if p in onnxruntime.get_available_providers()]
    try:
        return onnxruntime.InferenceSession(path, options, providers=providers, enable_fallback=0)
    except Exception as error:  # onnxruntime raises many classes that have no common base
        raise ModelError(
            f"{path.name} cannot be loaded: {_why(error)}", hint=_hint(str(error))
        ) from error


@cache
def _limit_memory() -> None:
    """Give all sessions of this process one pool of limited size.

    A file of a few bytes can ask for 10^12 numbers. A request beyond the limit is an error, where
    the operating system would end the process.
    """
    import onnxruntime

    limit = int(_SHARE * psutil.virtual_memory().available)
    pool = onnxruntime.OrtArenaCfg(
        {"max_mem": limit, "arena_extend_strategy": _ONE_CHUNK_A_REQUEST}
    )
    kind = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    where = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, onnxruntime.OrtMemType.DEFAULT)
    try:
        onnxruntime.create_and_register_allocator(where, pool)
    except Exception as error:  # noqa: BLE001 - the limit of the other one is as good
        logger.info("Another library has set the memory of onnxruntime: %s", error)


def _why(error: Exception) -> str:
    """Return what is wrong with a file that does not load."""
    text = str(error)
    unknown = re.search(r"(?:Fatal error: |No Op registered for )([\w.:]+)", text)
    if unknown:
        return f"the operator {unknown[1]} is unknown to onnxruntime"
    missing = re.search(r"Could not find an implementation for (\w+)", text)
    if missing:
        return f"onnxruntime has no implementation of the operator {missing[1]} for these types"
    newer = re.search(r"(opset \d+|IR version: \d+)", text)
    if newer and ("unsupported" in text.lower() or "official support" in text):
        return f"it has the {newer[1]}, which is newer than this onnxruntime"
    if "Protobuf parsing failed" in text or "ModelProto does not have a graph" in text:
        return "it is damaged, or no ONNX file"
    if "External data" in text or "external data" in text:
        return f"its weights are in another file that cannot be used: {reason(error)}"
    return printable(reason(error), 240)


def _hint(text: str) -> str:
    if "not a registered function/op" in text or "No Op registered" in text:
        return "Custom operators are code, and are not run; export with standard operators"
    if "GridSample" in text:
        return GRID_SAMPLE
    if "newer" in _why(Exception(text)):
        return "Update onnxruntime"
    return ""
