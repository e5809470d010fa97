"""The rooms of the package import each other in one direction only, and stay light to open."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "napari_tally"
FILES = sorted(PACKAGE.rglob("*.py"))

LEAVES = {"files", "geometry", "simulate", "network", "heads", "objects", "metrics", "features"}
LOWER = {"core", *LEAVES, "figures"}
JOBS = {"models", "measurement", "evaluation", "segmentation", "training"}
BELOW: dict[str, set[str]] = {
    "core": set(),
    **{leaf: {"core"} for leaf in LEAVES},
    "features": {"core", "objects"},
    "figures": {"core", "geometry", "measurement"},
    "models": {"core", *LEAVES},
    "measurement": LOWER,
    "evaluation": LOWER,
    "segmentation": {*LOWER, "models", "measurement"},
    "training": {*LOWER, "models", "measurement", "segmentation"},
    "api": {*LOWER, *JOBS},
    "cli": {*LOWER, *JOBS},
    "__main__": {"cli"},
    "widgets": {*LOWER, *JOBS},
}
FRONT_DOOR = "__init__"


def dotted(path: Path) -> list[str]:
    """Return the names of a file's package: `heads/base.py` lies in `napari_tally.heads`."""
    return ["napari_tally", *path.relative_to(PACKAGE).parent.parts]


def imported(node: ast.AST, package: list[str]) -> Iterator[str]:
    """Yield the full names that one import statement brings in, relative ones resolved."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        start = package[: len(package) - node.level + 1] if node.level else []
        module = ".".join([*start, *filter(None, [node.module])])
        yield from (f"{module}.{alias.name}" for alias in node.names)


def imports(path: Path) -> Iterator[str]:
    """Yield what a file imports anywhere: in functions and under TYPE_CHECKING too."""
    for node in ast.walk(ast.parse(path.read_text())):
        yield from imported(node, dotted(path))


def top_level_imports(path: Path) -> Iterator[str]:
    """Yield what importing a file imports: all but the bodies of functions and TYPE_CHECKING."""
    waiting: list[ast.AST] = list(ast.parse(path.read_text()).body)
    while waiting:
        node = waiting.pop()
        yield from imported(node, dotted(path))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting.extend(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def room(path: Path) -> str:
    """Return the folder of the package, or the file in its root, that a file belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def rooms_used(path: Path) -> set[str]:
    """Return the other rooms of the package that a file imports from."""
    own = [name.split(".") for name in imports(path)]
    names = {parts[1] for parts in own if parts[0] == "napari_tally" and len(parts) > 1}
    return names & BELOW.keys() - {room(path)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_only(path: Path) -> None:
    if room(path) == FRONT_DOOR:
        assert "widgets" not in rooms_used(path)
    else:
        assert room(path) in BELOW, f"{path} lies in no room of the design"
        assert rooms_used(path) <= BELOW[room(path)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_napari_and_qt_are_known_to_widgets_only(path: Path) -> None:
    if room(path) != "widgets":
        roots = {name.split(".")[0] for name in imports(path)}
        assert not roots & {"napari", "qtpy", "PyQt6", "PySide6", "magicgui", "superqt"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_monai_is_imported_inside_functions_only(path: Path) -> None:
    assert "monai" not in {name.split(".")[0] for name in top_level_imports(path)}


@pytest.mark.parametrize("module", ["napari_tally.segmentation.segment", "napari_tally.cli.app"])
def test_opening_a_front_end_loads_no_viewer_no_monai_and_no_reader(module: str) -> None:
    readers = ["SimpleITK", "bioio", "dask.array", "nibabel", "ome_zarr_models", "pydicom", "zarr"]
    heavy = ["napari", "qtpy", "monai", *readers]
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_every_room_has_an_inhabitant() -> None:
    packages = {path.parent for path in FILES if path.name == "__init__.py"} - {PACKAGE}
    inhabited = {folder for path in FILES if path.name != "__init__.py" for folder in path.parents}
    assert packages <= inhabited


HIDDEN = """
if TYPE_CHECKING:
    from ..models import load
from . import base
import monai.nets
"""


def test_relative_imports_and_those_for_types_are_seen() -> None:
    nodes = list(ast.walk(ast.parse(HIDDEN)))
    seen = {name for node in nodes for name in imported(node, ["napari_tally", "heads"])}
    assert seen == {"napari_tally.models.load", "napari_tally.heads.base", "monai.nets"}
