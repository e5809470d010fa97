"""Trace networks to graphs."""

from __future__ import annotations

import operator

import torch
from torch import Tensor, fx, nn

from .graph import LAYERS, Function, Graph, Layer, Node

_FUNCTIONS: dict[object, Function] = {
    operator.add: "add",
    torch.add: "add",
    operator.mul: "mul",
    torch.mul: "mul",
    torch.cat: "cat",
}
_NOTHING = (nn.Identity, nn.Dropout, nn.Dropout2d, nn.Dropout3d)  # in inference


class NoGraphError(Exception):
    """A network that cannot be stored as a graph."""


def traced(network: nn.Module, example: Tensor) -> Graph:
    """Return the graph of a network in inference; its output for `example` equals the network's.

    Raises
    ------
    NoGraphError
        If the network has other layers, or decides by the values or shapes of tensors.
    """
    try:
        graph = _graph(network, fx.symbolic_trace(network.eval()).graph)
        same = _agree(graph, network, example)
    except Exception as error:  # tracing runs the network's own code, which raises anything
        raise NoGraphError(f"{type(network).__name__}: {error}") from error
    if not same:
        raise NoGraphError(f"{type(network).__name__}: the graph gives another output")
    return graph


def _agree(graph: Graph, network: nn.Module, example: Tensor) -> bool:
    """Return whether the network of a graph has the same weights and output."""
    copy = graph.build().eval()
    copy.load_state_dict(network.state_dict())
    with torch.inference_mode():
        return torch.equal(copy(example), network(example))


def _graph(network: nn.Module, steps: fx.Graph) -> Graph:
    layers: dict[str, Layer] = {}
    first: dict[nn.Module, str] = {}
    aliases: dict[str, str] = {}
    for name, module in network.named_modules(remove_duplicate=False):
        if type(module).__name__ not in LAYERS:
            continue
        if module in first:
            aliases[name] = first[module]
        else:
            first[module] = name
            layers[name] = Layer.of(module)
    nodes: list[Node] = []
    values: dict[fx.Node, int] = {}
    for step in steps.nodes:
        values[step] = _add(step, network, first, nodes, values)
    used = {node.layer for node in nodes}
    held = {n for n, m in network.named_modules() if any(True for _ in m.parameters(recurse=False))}
    kept = {name: layer for name, layer in layers.items() if name in used | held}
    return Graph(
        layers=kept,
        aliases={name: of for name, of in aliases.items() if of in kept},
        nodes=tuple(nodes),
    )


def _add(
    step: fx.Node,
    network: nn.Module,
    first: dict[nn.Module, str],
    nodes: list[Node],
    values: dict[fx.Node, int],
) -> int:
    """Add the node of a step of torch.fx; return the index of its value."""
    if step.op == "placeholder":
        return 0
    inputs = tuple(values[one] for one in step.all_input_nodes)
    if step.op == "output":
        (index,) = inputs
        if index != len(nodes):
            raise NoGraphError("the output is not the last value")
        return index
    if step.op == "call_module":
        module = network.get_submodule(str(step.target))
        if isinstance(module, _NOTHING):
            return inputs[0]
        nodes.append(Node(layer=first[module], inputs=inputs))
    elif step.op == "call_function":
        nodes.append(_function(step, values))
    else:
        raise NoGraphError(f"{step.op} {step.target}")
    return len(nodes)


def _function(step: fx.Node, values: dict[fx.Node, int]) -> Node:
    """Return the node of a function of tensors only (`x + 1` is none)."""
    function = _FUNCTIONS[step.target]
    given = step.args[0] if function == "cat" else step.args
    dim = step.kwargs.get("dim", step.args[1] if len(step.args) > 1 else 0)
    if (function == "cat" and dim != 1) or not isinstance(given, list | tuple):
        raise NoGraphError(f"{function} along axis {dim}")
    return Node(function=function, inputs=tuple(values[one] for one in given))
