"""Fold batch norm into the convolutions before it, which inference then does without."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from copy import deepcopy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .graph import GraphNetwork, Node

_NORMS = (nn.BatchNorm2d, nn.BatchNorm3d)
_TRANSPOSED = (nn.ConvTranspose2d, nn.ConvTranspose3d)
_CONVOLUTIONS = (nn.Conv2d, nn.Conv3d, *_TRANSPOSED)


def folded(network: nn.Module) -> nn.Module:
    """Return a network for inference with batch norm folded into convolutions.

    The output is the same up to rounding. Networks without a graph, or without batch norm, are
    returned as they are.
    """
    if not isinstance(network, GraphNetwork):
        return network
    pairs = _pairs(network)
    if not pairs:
        return network
    layers = {name: deepcopy(network.get_submodule(name)) for name in _names(network)}
    nodes: list[Node] = []
    values = [0]  # the new index of each value
    for number, node in enumerate(network.nodes):
        if number in pairs:
            convolution = pairs[number]
            layers[convolution] = _fused(layers[convolution], layers.pop(str(node.layer)))
            values.append(values[node.inputs[0]])
            continue
        inputs = tuple(values[i] for i in node.inputs)
        nodes.append(node.model_copy(update={"inputs": inputs}))
        values.append(len(nodes))
    return GraphNetwork(layers, nodes).eval()


def _names(network: GraphNetwork) -> list[str]:
    return [node.layer for node in network.nodes if node.layer is not None]


def _pairs(network: GraphNetwork) -> dict[int, str]:
    """Return the convolution before each batch norm, by its node, if nothing else uses either."""
    runs = Counter(_names(network))
    uses = Counter(i for node in network.nodes for i in node.inputs)
    found: dict[int, str] = {}
    for number, node in enumerate(network.nodes):
        if node.layer is None or not isinstance(network.get_submodule(node.layer), _NORMS):
            continue
        (value,) = node.inputs
        before = network.nodes[value - 1].layer if value else None
        if before is None or not isinstance(network.get_submodule(before), _CONVOLUTIONS):
            continue
        if uses[value] == runs[before] == runs[node.layer] == 1:
            found[number] = before
    return found


def _fused(convolution: nn.Module, norm: nn.Module) -> nn.Module:
    fuse: Callable[..., nn.Module] = fuse_conv_bn_eval
    return fuse(convolution, norm, isinstance(convolution, _TRANSPOSED))
