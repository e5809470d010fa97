"""List the compiled loops that commands call, with the types of their arguments.

python benchmarks/list_kernels.py OUT COMMAND...

Runs `tally COMMAND...` and appends to OUT, in the order of the first calls, lines for
`src/napari_tally/core/kernels.tsv`: "-", the loop, and its signature. A line that begins with
"segment" is compiled as soon as a run finds that anything must be compiled.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from numba import typeof, types

from napari_tally.cli.app import main
from napari_tally.core.jit import Loop


def short(kind: Any) -> str:
    """Return a type in numba's notation, such as `uint16[:,::1]`."""
    if isinstance(kind, types.Array) and kind.mutable and kind.aligned:
        axes = [":"] * kind.ndim
        if kind.layout != "A":
            axes[-1 if kind.layout == "C" else 0] = "::1"
        return f"{short(kind.dtype)}[{','.join(axes)}]"
    if isinstance(kind, types.UniTuple):
        return f"UniTuple({short(kind.dtype)}, {kind.count})"
    return "boolean" if kind is types.boolean else str(kind)


def recorded(found: dict[str, None]) -> None:
    """Note each call of a loop in `found`."""
    launch = Loop.launch

    def noted(self: Loop, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        kinds = ", ".join(short(typeof(a)) for a in args)
        if "Tree(" not in kinds:  # named tuples have no notation
            found[f"-\t{self.name}\t({kinds}{',' if len(args) == 1 else ''})"] = None
        return launch(self, args, kwargs)

    Loop.launch = noted  # type: ignore[method-assign]


def record(path: Path, arguments: list[str]) -> None:
    """Run a command and append what it called."""
    found = dict.fromkeys(path.read_text().splitlines() if path.exists() else [])
    recorded(found)
    sys.argv = ["tally", *arguments]
    try:
        main()
    finally:
        path.write_text("".join(f"{line}\n" for line in found))


if __name__ == "__main__":
    record(Path(sys.argv[1]), sys.argv[2:])
