"""BioImage.IO packages of tiny networks, with test tensors."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from numpy.typing import NDArray
from onnx import helper
from tiny_onnx import graph

Step = dict[str, Any]


def package(
    folder: Path,
    *,
    channels: tuple[int, int] = (1, 1),
    shape: tuple[int | str, ...] = ("h", "w"),
    scale: float = 1.0,
    size: Any = None,
    before: tuple[Step, ...] = (),
    after: tuple[Step, ...] = (),
    names: tuple[str, ...] = (),
    truth: Callable[[NDArray], NDArray] | None = None,
    image: NDArray | None = None,
    **fields: Any,
) -> Path:
    """Write a package of format 0.5 whose network multiplies the mean of the channels by `scale`.

    Parameters
    ----------
    channels : tuple of int
        Of input and output.
    shape : tuple
        Spatial shape of the ONNX file; names are free axes.
    size : optional
        The description of the lengths. Default: any.
    truth : callable, optional
        Returns the expected output (C, *spatial) for the image (C, *spatial).
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = mean_times(folder / "weights.onnx", channels, shape, scale)
    if image is None:
        ndim = len(shape)
        lengths = tuple(n if isinstance(n, int) else 48 // ndim for n in shape)
        image = np.random.default_rng(0).uniform(50, 900, (channels[0], *lengths))
    np.save(folder / "in.npy", image[None].astype(np.float32))
    expected = np.zeros((channels[1], *image.shape[1:])) if truth is None else truth(image)
    np.save(folder / "out.npy", expected[None].astype(np.float32))
    letters = "zyx"[-len(shape) :]
    description = {
        "format_version": "0.5.3",
        "type": "model",
        "name": "Tiny",
        "description": "A tiny network",
        "authors": [{"name": "A. Person"}],
        "license": "CC-BY-4.0",
        "inputs": [
            {
                "id": "raw",
                "axes": axes(letters, channels[0], size, ()),
                "test_tensor": entry(folder / "in.npy"),
                "preprocessing": list(before),
            }
        ],
        "outputs": [
            {
                "id": "maps",
                "axes": axes(letters, channels[1], reference(letters), names),
                "test_tensor": entry(folder / "out.npy"),
                "postprocessing": list(after),
            }
        ],
        "weights": {"onnx": entry(weights)},
        **fields,
    }
    if truth is None:
        for side in ("inputs", "outputs"):
            description[side][0].pop("test_tensor")
    (folder / "rdf.yaml").write_text(yaml.safe_dump(description), "utf-8")
    return folder


def axes(letters: str, channels: int, size: Any, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return batch, channel and space axes."""
    named = list(names) or [f"channel{i}" for i in range(channels)]
    sizes = (
        size if isinstance(size, dict) and set(size) <= set("zyx") else dict.fromkeys("zyx", size)
    )
    return [
        {"type": "batch"},
        {"type": "channel", "channel_names": named},
        *({"type": "space", "id": a, "size": sizes[a] or {"min": 1, "step": 1}} for a in letters),
    ]


def reference(letters: str) -> dict[str, Any]:
    """Return lengths that are those of the input."""
    return {a: {"tensor_id": "raw", "axis_id": a} for a in letters}


def entry(path: Path) -> dict[str, str]:
    """Return a file of a package with its checksum."""
    return {"source": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def mean_times(
    path: Path, channels: tuple[int, int], shape: tuple[int | str, ...], scale: float
) -> Path:
    """Write a network: the mean of the channels times 1, 2, ... times `scale`."""
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["mean", "factors"], ["82"]),
    ]
    factors = np.arange(1, channels[1] + 1, dtype=np.float32) * np.float32(scale)
    return graph(
        path,
        nodes,
        {"images": (1, channels[0], *shape)},
        {"82": (1, channels[1], *shape)},
        {"factors": factors.reshape(1, -1, *(1,) * len(shape))},
    )


def changed(folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Change the description of a package."""
    path = folder / "rdf.yaml"
    content = yaml.safe_load(path.read_text("utf-8"))
    change(content)
    path.write_text(yaml.safe_dump(content), "utf-8")
    return folder


def channels_last(path: Path) -> Path:
    """Write a network of images (1, y, x, c): the mean of the channels."""
    nodes = [helper.make_node("ReduceMean", ["images"], ["map"], axes=[3], keepdims=1)]
    return graph(path, nodes, {"images": (1, "h", "w", 2)}, {"map": (1, "h", "w", 1)})


__all__ = ["changed", "channels_last", "entry", "mean_times", "onnx", "package"]
