"""The process that compiles loops for another; see `preparation`."""

from __future__ import annotations

import sys
from importlib import import_module

from .jit import Loop
from .preparation import ahead


def work() -> None:
    """Compile each function that a line of stdin names, and answer with its state and folder."""
    ahead.enabled = False
    for line in sys.stdin:
        name, *signatures = line.rstrip("\n").split("\t")
        sys.stdout.write(f"{_compiled(name, signatures)}\n")
        sys.stdout.flush()


def _compiled(name: str, signatures: list[str]) -> str:
    """Return "cached" or "compiled" and the folder of the code, or what failed."""
    try:
        loop = loop_of(name)
        states = [loop.prepare(signature) for signature in signatures]
        return f"{'compiled' if any(states) else 'cached'}\t{loop.folder()}"
    except Exception as error:  # noqa: BLE001 - the other process reports it
        return f"{type(error).__name__}: {error}".splitlines()[0]


def loop_of(name: str) -> Loop:
    """Return a loop by module and function, such as "heads.decoding.peaks:_touching"."""
    module, _, function = name.partition(":")
    found = getattr(import_module(f"napari_tally.{module}"), function).loop
    assert isinstance(found, Loop)
    return found
