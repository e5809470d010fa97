"""A loaded ONNX network: one image in, arrays by name out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from threading import Timer
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import ModelError, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# onnxruntime's names of element types: tensor(float16).
_TYPES = {"float": np.float32, "double": np.float64} | {
    name: np.dtype(name)
    for name in ("float16", "uint8", "uint16", "uint32", "int8", "int16", "int32", "int64")
}
_SIZES: dict[str, Callable[[int, int], tuple[float, ...]]] = {
    "im_shape": lambda y, x: (y, x),  # PaddleDetection
    "scale_factor": lambda y, x: (1, 1),
    "im_info": lambda y, x: (y, x, 1),  # PaddleDetection, Detectron
    "orig_target_sizes": lambda y, x: (x, y),  # RT-DETR, D-FINE
    "target_sizes": lambda y, x: (y, x),
    "pixel_mask": lambda y, x: (),  # Hugging Face: 1 at every pixel
}
_MEMORY = "Failed to allocate memory", "Available memory of", "bad_alloc", "bad allocation"


@dataclass(frozen=True)
class Tensor:
    """An input or output of a network.

    Attributes
    ----------
    shape : tuple of int
        -1 for a free axis.
    dtype : str
        onnxruntime's name of the element type, such as "float16".
    """

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def is_side(self) -> bool:
        """Whether it takes the size of the image, not the image."""
        return self.name in _SIZES


class OnnxSession:
    """A network in onnxruntime that is ready to run.

    Parameters
    ----------
    loaded : onnxruntime.InferenceSession
    axes : str
        Of the image input, such as "NCYX".
    name : str
        Of the file, for messages.

    Raises
    ------
    ModelError
        If an input is not one that can be filled.
    """

    def __init__(self, loaded: Any, axes: str, name: str) -> None:
        self.loaded, self.axes, self.name = loaded, axes, name
        try:
            self.inputs = [_tensor(given) for given in loaded.get_inputs()]
            self.outputs = [_tensor(given) for given in loaded.get_outputs()]
        except UnicodeDecodeError as error:
            raise ModelError(f"{name} is damaged: names in it are no text") from error
        images = [given for given in self.inputs if not given.is_side]
        if len(images) != 1:
            listed = ", ".join(printable(given.name) for given in images) or "none"
            raise ModelError(
                f"{name} has {len(images)} inputs for images ({listed}), but one is needed",
                hint="Only sizes of the image are filled in: " + ", ".join(_SIZES),
            )
        self.image = images[0]
        self.dtype = _TYPES.get(self.image.dtype)
        if self.dtype is None:
            raise ModelError(
                f"The input {printable(self.image.name)} of {name} takes {self.image.dtype}, "
                "but images are numbers"
            )

    def __call__(self, image: NDArray[np.float32]) -> dict[str, NDArray[np.generic]]:
        """Return the outputs of an image of shape (C, *spatial)."""
        return self.run(image)

    def run(
        self, image: NDArray[np.float32], seconds: float | None = None
    ) -> dict[str, NDArray[np.generic]]:
        """Return the outputs of an image; the run is stopped after that time, if it is given.

        Raises
        ------
        ModelError
            If the network fails, or is stopped.
        MemoryError
            If it needs more memory than there is.
        """
        import onnxruntime

        options, feeds = onnxruntime.RunOptions(), self._feeds(image)
        options.log_severity_level = 4

        def stop() -> None:
            options.terminate = True

        timer = Timer(seconds or 0, stop)
        timer.daemon = True
        if seconds is not None:
            timer.start()
        try:
            found = self.loaded.run(None, feeds, options)
        except Exception as error:  # onnxruntime raises many classes that have no common base
            if options.terminate:
                raise ModelError(f"{self.name} ran for more than {seconds:g} s") from error
            self._refuse(error)
        finally:
            timer.cancel()
        names = [output.name for output in self.outputs]
        batch = max(1, self.image.shape[0]) if self.axes.startswith("N") else 1
        return dict(_arrays(zip(names, found, strict=True), batch))

    def _feeds(self, image: NDArray[np.float32]) -> dict[str, NDArray[np.generic]]:
        feeds = {self.image.name: self._arranged(image)}
        for given in self.inputs:
            if given.is_side:
                feeds[given.name] = _side(given, (image.shape[-2], image.shape[-1]))
        return feeds

    def _arranged(self, image: NDArray[np.float32]) -> NDArray[np.generic]:
        """Return the image with the axes and the type of the input; a fixed batch is filled."""
        if "C" not in self.axes:
            image = image[0]
        elif self.axes.endswith("C"):
            image = np.moveaxis(image, 0, -1)
        values: NDArray[np.generic] = image
        if np.issubdtype(self.dtype, np.integer):
            limits = np.iinfo(self.dtype)
            values = np.clip(np.rint(image), limits.min, limits.max)
        values = np.ascontiguousarray(values, self.dtype)
        if not self.axes.startswith("N"):
            return values
        count = max(1, self.image.shape[0])
        return np.ascontiguousarray(np.broadcast_to(values, (count, *values.shape)))

    def _refuse(self, error: Exception) -> None:
        text = str(error)
        if any(words in text for words in _MEMORY):
            asked = re.search(r"requested bytes of (\d+)|buffer of size (\d+)", text)
            size = next((int(n) for n in asked.groups() if n), 0) if asked else 0
            much = f" for {size:,} bytes" if size else ""
            raise MemoryError(f"{self.name} asks{much or ' for more memory than there is'}")
        node = re.search(r"running (\w+) node", text)
        where = f" in its operator {node[1]}" if node else ""
        raise ModelError(f"{self.name} fails{where}: {printable(reason(error), 240)}") from error


def reason(error: Exception) -> str:
    """Return the message of onnxruntime without numbers, names of its sources and stacks."""
    text = str(error).split("\nStacktrace", maxsplit=1)[0]
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text)
    text = re.sub(r"^(Non-zero status code returned while running .*? Status Message: )", "", text)
    text = re.sub(r"^Load model from .*? failed:", "", text)
    text = re.sub(r"/\S+\.(?:cc|h):\d+ [^\n]*?\) ?(?=[A-Z\[])", "", text)
    return " ".join(text.split()).rstrip(".") or type(error).__name__


def _tensor(given: Any) -> Tensor:
    shape = tuple(n if isinstance(n, int) and n > 0 else -1 for n in given.shape)
    kind = re.fullmatch(r"tensor\((\w+)\)", given.type)
    return Tensor(given.name, shape, kind[1] if kind else given.type)


def _side(given: Tensor, size: tuple[int, int]) -> NDArray[np.generic]:
    """Return an input that states the size of the image."""
    kind = _TYPES.get(given.dtype, np.float32)
    if given.name == "pixel_mask":
        return np.ones((1, *size), kind)
    values = np.array(_SIZES[given.name](*size), kind)
    return values[None] if len(given.shape) == 2 else values


def _arrays(
    outputs: Iterable[tuple[str, Any]], count: int
) -> Iterable[tuple[str, NDArray[np.generic]]]:
    """Yield arrays of numbers: lists one by one, and of a filled batch the first image."""
    for name, value in outputs:
        parts = value if isinstance(value, list) else [value]
        for number, part in enumerate(parts):
            array = np.asarray(part)
            if array.dtype.kind not in "biuf":
                continue
            first = array[:1] if count > 1 and array.ndim > 1 and len(array) == count else array
            yield (name if len(parts) == 1 else f"{name}_{number}"), first
