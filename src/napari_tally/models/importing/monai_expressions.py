"""Translate the expressions of MONAI bundles that are plain values; no other is evaluated.

`$@a`, `$A if @flag else B`, sums of strings (paths), arithmetic of numbers, and a few names.
"""

from __future__ import annotations

import ast
import operator
import posixpath
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...core.errors import ModelError, printable

_LONGEST = 1000  # characters
_LARGEST = 1e9
_REFERENCE = re.compile(r"@(\w+(?:(?:#|::)\w+)*)")
_NAMES = {
    "monai.utils.CommonKeys.IMAGE": "image", "monai.utils.CommonKeys.PRED": "pred",
    "monai.utils.CommonKeys.LABEL": "label",
    **{f"{lib}.{t}": t for lib in ("torch", "np", "numpy")
       for t in ("float16", "float32", "float64", "uint8", "int16", "int32", "int64")},
}  # fmt: skip
_OPERATIONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv,
}  # fmt: skip

Lookup = Callable[[str], Any]


class _NoValueError(Exception):
    """A part of an expression that is no plain value."""


def translated(expression: str, lookup: Lookup, path: Path) -> Any:
    """Return the value of an expression (without its `$`).

    Parameters
    ----------
    lookup : callable
        Returns the value of a reference.

    Raises
    ------
    ModelError
        If it is none of the known forms.
    """
    shown = printable(expression if len(expression) < 120 else expression[:120] + "...")
    keys: list[str] = []

    def named(match: re.Match[str]) -> str:
        keys.append(match.group(1))
        return f"_reference_{len(keys) - 1}_"

    try:
        if len(expression) > _LONGEST:
            raise _NoValueError
        tree = ast.parse(_REFERENCE.sub(named, expression).strip(), mode="eval")
        return _value(tree.body, keys, lookup)
    except ModelError:
        raise
    except (_NoValueError, SyntaxError, ValueError, ArithmeticError, TypeError, MemoryError,
            RecursionError):  # fmt: skip
        raise ModelError(
            f"{path} has the expression ${shown} where a value is needed, and code of a bundle is "
            "not run",
            hint="Replace it by its value",
        ) from None


def _value(node: ast.expr, keys: list[str], lookup: Lookup) -> Any:
    match node:
        case ast.Constant(value=value) if isinstance(value, str | int | float | None):
            return value
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [_value(part, keys, lookup) for part in parts]
        case ast.IfExp():
            chosen = node.body if _value(node.test, keys, lookup) else node.orelse
            return _value(chosen, keys, lookup)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(_value(operand, keys, lookup))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, keys, lookup)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
            return _calculated(op, _value(left, keys, lookup), _value(right, keys, lookup))
        case ast.Call(func=function, args=arguments, keywords=[]):
            return _called(ast.unparse(function), [_value(a, keys, lookup) for a in arguments])
        case ast.Name(id=name) if name.startswith("_reference_"):
            return lookup(keys[int(name.split("_")[2])])
        case ast.Attribute():
            return _known(ast.unparse(node))
    raise _NoValueError


def _known(name: str) -> str:
    if name not in _NAMES:
        raise _NoValueError
    return _NAMES[name]


def _calculated(op: ast.operator, left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str) and isinstance(op, ast.Add):
        return (left + right)[:_LONGEST]
    if isinstance(left, list) and isinstance(right, int) and isinstance(op, ast.Mult):
        if not 0 <= right * len(left) <= 16:
            raise _NoValueError
        return left * right
    return _number(_OPERATIONS[type(op)](_number(left), _number(right)))


def _called(name: str, arguments: list[Any]) -> Any:
    if name in ("float", "int") and len(arguments) == 1:
        number = _number(arguments[0])
        return float(number) if name == "float" else int(number)
    if name == "os.path.join" and arguments and all(isinstance(a, str) for a in arguments):
        return posixpath.join(*arguments)[:_LONGEST]
    raise _NoValueError


def _number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _LARGEST:
        raise _NoValueError
    return value
