"""What an ONNX file says about itself, read without running it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.errors import FileError, InputError, ModelError, printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LARGEST = 2**31  # bytes: the limit of the format
# Of ONNX itself, and what onnxruntime adds without custom code.
_DOMAINS = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc"}
_ARRANGING = {"Identity", "Cast", "Transpose", "Squeeze", "Unsqueeze", "Reshape", "Resize", "Slice"}
_SCALING = {"Sub", "Add", "Div", "Mul"}
_MOST_STEPS = 12
_EXTERNAL = 1  # of onnx.TensorProto.DataLocation


@dataclass(frozen=True, eq=False)
class Graph:
    """A parsed ONNX file.

    Attributes
    ----------
    proto : onnx.ModelProto
    path : Path
    metadata : dict of str
        What exporters write, such as Ultralytics.
    """

    proto: Any
    path: Path
    metadata: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> Graph:
        """Parse a file, and refuse what can run code or reach other folders.

        Raises
        ------
        ModelError, FileError
            If it is damaged or not to be used.
        """
        try:
            import onnx
        except ImportError:
            raise InputError(
                "Importing ONNX files needs the package onnx",
                hint='Install it with: pip install "napari-tally[onnx]"',
            ) from None
        try:
            if path.stat().st_size > _LARGEST:
                raise ModelError(f"{path.name} is larger than 2 GiB, the limit of ONNX files")
            content = path.read_bytes()
        except OSError as error:
            raise FileError(f"{path} cannot be read: {error.strerror or error}") from error
        try:
            proto = onnx.load_model_from_string(content)
        except Exception as error:  # of protobuf, whose classes differ between versions
            raise ModelError(f"{path.name} is damaged, or no ONNX file") from error
        if not proto.graph.node or not proto.graph.output:
            raise ModelError(f"{path.name} has no network")
        found = cls(proto, path, {p.key: p.value for p in proto.metadata_props})
        found._check_operators()
        found.files()
        return found

    def files(self) -> tuple[str, ...]:
        """Return the names of further files with weights, beside this one.

        Raises
        ------
        ModelError
            If one is missing, or in another folder.
        """
        names = {
            entry.value
            for tensor in _tensors(self.proto.graph)
            if tensor.data_location == _EXTERNAL
            for entry in tensor.external_data
            if entry.key == "location"
        }
        for name in sorted(names):
            self._check_file(name)
        return tuple(sorted(names))

    def _check_file(self, name: str) -> None:
        plain = PurePosixPath(name)
        if "\\" in name or plain.is_absolute() or len(plain.parts) != 1 or ".." in plain.parts:
            raise ModelError(
                f"{self.path.name} takes weights from {printable(name)}, outside of its folder"
            )
        file = self.path.parent / name
        if file.is_symlink() or not file.is_file():
            raise ModelError(
                f"{self.path.name} takes weights from {printable(name)}, which is not beside it",
                hint="Copy that file into the same folder",
            )

    def _check_operators(self) -> None:
        """Refuse operators of other domains, which are code in libraries."""
        own = {function.domain for function in self.proto.functions}
        bodies = [self.proto.graph, *self.proto.functions]
        for node in (node for body in bodies for node in _nodes(body)):
            if node.domain not in _DOMAINS | own:
                name = f"{printable(node.domain)}:{printable(node.op_type)}"
                raise ModelError(
                    f"{self.path.name} has the custom operator {name}, which is code and is not "
                    "run",
                    hint="Export it with standard operators",
                )

    @property
    def constants(self) -> dict[str, Any]:
        """The stored tensors by name."""
        found = {tensor.name: tensor for tensor in self.proto.graph.initializer}
        for node in self.proto.graph.node:
            if node.op_type == "Constant" and node.attribute and node.output:
                found[node.output[0]] = node.attribute[0].t
        return found

    def small(self, name: str) -> NDArray[Any] | None:
        """Return a constant of few numbers, None if there is none of that name."""
        from onnx import numpy_helper

        tensor = self.constants.get(name)
        if tensor is None or tensor.data_location == _EXTERNAL or np.prod(tensor.dims) > 64:
            return None
        try:
            return numpy_helper.to_array(tensor)
        except (ValueError, TypeError, KeyError):  # damaged: onnxruntime will say so
            return None

    def first_steps(self, name: str) -> list[tuple[str, NDArray[Any]]]:
        """Return the arithmetic with constants that is applied to an input first, such as / 255."""
        found: list[tuple[str, NDArray[Any]]] = []
        for _ in range(_MOST_STEPS):
            users = [node for node in self.proto.graph.node if name in node.input]
            if len(users) != 1:
                break
            node = users[0]
            if node.op_type in _SCALING:
                other = next((i for i in node.input if i != name), name)
                value = self.small(other)
                if value is None:
                    break
                found.append((node.op_type, value))
            elif node.op_type not in _ARRANGING:
                break
            name = node.output[0]
        return found

    def last_operator(self, name: str) -> str:
        """Return the operator that an output comes from, such as Sigmoid; "" if it is none."""
        makers = {out: node for node in self.proto.graph.node for out in node.output}
        for _ in range(_MOST_STEPS):
            node = makers.get(name)
            if node is None or not node.input:
                break
            if node.op_type not in _ARRANGING:
                return str(node.op_type)
            name = node.input[0]
        return ""

    def classes_of(self, name: str) -> int:
        """Return how many classes an output that ArgMax makes can have; 0 if it is unknown."""
        from onnx import shape_inference

        node = next((n for n in self.proto.graph.node if n.op_type == "ArgMax"), None)
        if node is None or self.last_operator(name) != "ArgMax":
            return 0
        axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
        try:
            graph = shape_inference.infer_shapes(self.proto).graph
        except shape_inference.InferenceError:  # the user states the classes then
            graph = self.proto.graph
        for value in (*graph.value_info, *graph.input):
            dims = value.type.tensor_type.shape.dim
            if value.name == node.input[0] and -len(dims) <= axis < len(dims):
                return int(dims[axis].dim_value)
        return 0


def _nodes(body: Any) -> Iterator[Any]:
    """Yield the nodes of a graph or function, and of the graphs in their attributes."""
    for node in body.node:
        yield node
        for attribute in node.attribute:
            for graph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _nodes(graph)


def _tensors(graph: Any) -> Iterator[Any]:
    """Yield the stored tensors of a graph and of the graphs in its nodes."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _tensors(inner)
