"""Tiny ONNX graphs: networks that return constants, and one convolution."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

FREE = "h", "w"
_KINDS = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "uint8": TensorProto.UINT8,
          "float64": TensorProto.DOUBLE, "int64": TensorProto.INT64,
          "string": TensorProto.STRING}  # fmt: skip


def graph(
    path: Path,
    nodes: list,
    inputs: dict[str, tuple],
    outputs: dict[str, tuple | None],
    constants: dict[str, NDArray] | None = None,
    *,
    dtypes: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
    opsets: tuple[tuple[str, int], ...] = (("", 17),),
) -> Path:
    """Write a graph; shapes may have names for free axes, None for unknown ones."""
    kinds = {name: _KINDS[kind] for name, kind in (dtypes or {}).items()}

    def values(shapes):
        return [
            helper.make_tensor_value_info(n, kinds.get(n, TensorProto.FLOAT), s)
            for n, s in shapes.items()
        ]

    stored = [numpy_helper.from_array(np.asarray(v), n) for n, v in (constants or {}).items()]
    made = helper.make_graph(nodes, "tiny", values(inputs), values(outputs), stored)
    ids = [helper.make_opsetid(*one) for one in opsets]
    model = helper.make_model(made, opset_imports=ids, ir_version=9)
    if metadata:
        helper.set_model_props(model, metadata)
    onnx.save(model, path)
    return path


def constant(
    path: Path,
    arrays: dict[str, NDArray],
    shape: tuple = (1, 3, 64, 64),
    metadata: dict[str, str] | None = None,
    free: tuple[str, ...] = (),
) -> Path:
    """Write a network that returns the same arrays for every image.

    It takes part in the graph: the arrays are added to 0 times the mean of the image.
    """
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
    ]
    constants: dict[str, NDArray] = {"zero": np.float32(0)}
    kinds = {}
    for name, array in arrays.items():
        constants[f"{name}_values"] = array
        if array.dtype == np.int64:
            kinds[name] = "int64"
            nodes.append(helper.make_node("Identity", [f"{name}_values"], [name]))
        else:
            nodes.append(helper.make_node("Add", [f"{name}_values", "nothing"], [name]))
    shapes = {n: tuple("n" if n in free and i == 0 else s for i, s in enumerate(a.shape))
              for n, a in arrays.items()}  # fmt: skip
    return graph(path, nodes, {"images": shape}, shapes, constants, dtypes=kinds, metadata=metadata)


def bright(
    path: Path,
    shape: tuple = (1, 1, *FREE),
    last: str = "Sigmoid",
    threshold: float = 0.5,
    dtype: str = "float32",
    metadata: dict[str, str] | None = None,
) -> Path:
    """Write a class map of one class: where the mean over channels is above a threshold."""
    channels = -1 if len(shape) == 4 and shape[-1] in (1, 3) else 1
    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats"], ["mean"], axes=[channels], keepdims=1),
        helper.make_node("Sub", ["mean", "threshold"], ["above"]),
        helper.make_node("Mul", ["above", "steep"], ["logits"]),
        helper.make_node(last, ["logits"], ["map"]),
    ]
    out = list(shape)
    out[channels] = 1
    return graph(
        path,
        nodes,
        {"images": shape},
        {"map": tuple(out)},
        {"threshold": np.float32(threshold), "steep": np.float32(50)},
        dtypes={"images": dtype},
        metadata=metadata,
    )
