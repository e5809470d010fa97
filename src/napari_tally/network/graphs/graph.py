"""A network as a graph of layers, which JSON can hold.

MONAI takes seconds to import, and in the end its networks are plain layers of torch. A graph is
data, not code: its layers and functions are those of `LAYERS` and `Function`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from ...core.options import Options

_CONVOLUTION = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation",
                "groups", "padding_mode")  # fmt: skip
_NORM = ("num_features", "eps", "momentum", "affine", "track_running_stats")
_POOL = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")

# The layers that a graph may have, and the attributes from which they can be made again.
LAYERS: dict[str, tuple[str, ...]] = {
    "Conv2d": _CONVOLUTION,
    "Conv3d": _CONVOLUTION,
    "ConvTranspose2d": (*_CONVOLUTION, "output_padding"),
    "ConvTranspose3d": (*_CONVOLUTION, "output_padding"),
    "BatchNorm2d": _NORM,
    "BatchNorm3d": _NORM,
    "InstanceNorm2d": _NORM,
    "InstanceNorm3d": _NORM,
    "MaxPool2d": _POOL,
    "MaxPool3d": _POOL,
    "AvgPool2d": ("kernel_size", "stride", "padding", "ceil_mode"),
    "AvgPool3d": ("kernel_size", "stride", "padding", "ceil_mode"),
    "Upsample": ("size", "scale_factor", "mode", "align_corners"),
    "PReLU": ("num_parameters",),
    "LeakyReLU": ("negative_slope", "inplace"),
    "ReLU": ("inplace",),
    "SiLU": ("inplace",),
    "Sigmoid": (),
}

Function = Literal["add", "mul", "cat"]
Argument = bool | int | float | str | None | tuple[bool | int | float, ...]


class Layer(Options):
    """The class of a layer, and the arguments to make it."""

    kind: str
    arguments: dict[str, Argument] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_known(self) -> Layer:
        allowed = {*LAYERS.get(self.kind, ()), "bias"}
        if self.kind not in LAYERS or not allowed.issuperset(self.arguments):
            raise ValueError(f"unknown layer {self.kind}({', '.join(self.arguments)})")
        return self

    @classmethod
    def of(cls, module: nn.Module) -> Layer:
        """Describe a layer.

        Raises
        ------
        KeyError
            If graphs do not have layers of its class.
        """
        kind = type(module).__name__
        arguments = {name: getattr(module, name) for name in LAYERS[kind]}
        if "in_channels" in arguments:
            arguments["bias"] = module.bias is not None
        return cls(kind=kind, arguments=arguments)

    def build(self) -> nn.Module:
        """Make the layer, with fresh weights."""
        layer: nn.Module = getattr(nn, self.kind)(**self.arguments)
        return layer


class Node(Options):
    """One step: a layer, by its name, or a function of earlier values.

    `inputs` are indices of values: 0 is the input of the network, n the result of the n-th node.
    """

    layer: str | None = None
    function: Function | None = None
    inputs: tuple[int, ...]


class Graph(Options):
    """A network: its layers by name, and the order in which they run.

    Attributes
    ----------
    layers : dict of str to Layer
        By the first name that the original network has for each.
    aliases : dict of str to str
        Further names of layers (MONAI's `DynUNet` names its layers twice), so that weights are
        saved and loaded under the same names.
    nodes : tuple of Node
        The last one gives the output.
    """

    layers: dict[str, Layer]
    aliases: dict[str, str] = Field(default_factory=dict)
    nodes: tuple[Node, ...]

    @property
    def parameter_count(self) -> int:
        """The number of weights, counted without memory for them."""
        return sum(_parameters(layer) for layer in self.layers.values())

    def build(self) -> GraphNetwork:
        """Make the network, with fresh weights."""
        made = {name: layer.build() for name, layer in self.layers.items()}
        return GraphNetwork(
            made | {name: made[first] for name, first in self.aliases.items()}, self.nodes
        )


def _parameters(layer: Layer) -> int:
    a: dict[str, Any] = layer.arguments
    if "in_channels" in a:
        kernel = a["in_channels"] * a["out_channels"] // a["groups"] * prod(a["kernel_size"])
        return int(kernel + a["out_channels"] * a["bias"])
    return int(2 * a.get("num_features", 0) * a.get("affine", 0) + a.get("num_parameters", 0))


class GraphNetwork(nn.Module):
    """The network of a graph; its weights have the names of the original network."""

    def __init__(self, layers: Mapping[str, nn.Module], nodes: Sequence[Node]) -> None:
        super().__init__()
        self.nodes = tuple(nodes)
        for name, layer in layers.items():
            self._add(name, layer)
        last = {i: number for number, node in enumerate(self.nodes) for i in node.inputs}
        self._ends = [[i for i, end in last.items() if end == n] for n in range(len(self.nodes))]

    def _add(self, name: str, layer: nn.Module) -> None:
        *parents, own = name.split(".")
        module: nn.Module = self
        for parent in parents:
            if parent not in module._modules:
                module.add_module(parent, nn.Module())
            module = module.get_submodule(parent)
        module.add_module(own, layer)

    def forward(self, image: Tensor) -> Tensor:
        """Map (B, in_channels, *spatial) to (B, out_channels, *spatial)."""
        values: list[Tensor | None] = [image]
        for node, ends in zip(self.nodes, self._ends, strict=True):
            values.append(self._run(node, [values[i] for i in node.inputs]))
            for i in ends:  # so that the memory of a value can be used again
                values[i] = None
        output = values[-1]
        assert output is not None
        return output

    def _run(self, node: Node, inputs: list[Any]) -> Tensor:
        value: Tensor
        if node.layer is not None:
            value = self.get_submodule(node.layer)(*inputs)
        elif node.function == "cat":
            value = torch.cat(inputs, 1)
        else:
            first, second = inputs
            value = first + second if node.function == "add" else first * second
        return value
