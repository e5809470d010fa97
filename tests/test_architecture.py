"""The rooms of the package import each other in one direction only, and are fast to import."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "napari_tally"
FILES = sorted(PACKAGE.rglob("*.py"))

# What each room may import, other than itself. "files/formats" is a sub-room; "files" stands for
# the modules in the folder itself.
LEAVES = {
    "core", "geometry", "simulate", "network", "objects", "metrics", "heads/decoding",
    "features/kernels", "files/formats", "network/architectures", "network/graphs",
    "network/runtimes",
}  # fmt: skip
READ = LEAVES | {"files/tables", "files", "figures"}
MEASURE = {"features/declare", "features/groups", "features"}
HEADS = {"heads/encoding", "heads"}
MASKS = {"mask_sets", "mask_sets/readings"}
MODELS = READ | HEADS | MASKS | {"models"}
PORT = {"models/importing", "models/exporting", "models/download"}
MEASUREMENT = READ | MEASURE | {"measurement"}
EVALUATION = READ | {"evaluation"}
MAPS = MODELS | {"segmentation/maps"}
SETUP = MAPS | {"segmentation/setup"}
RUN_MASKS = SETUP | {"segmentation/masks"}
COLLECT = RUN_MASKS | MEASUREMENT | {"segmentation/collect"}
SEGMENTATION = COLLECT | {"segmentation"}
TRAINING = SEGMENTATION | {
    "training/augment", "training/data", "training/loop", "training/masks", "training/plan",
    "training",
}  # fmt: skip
JOBS = TRAINING | EVALUATION | PORT
DOCK = JOBS | {"widgets/controls", "widgets/layers"}
DOCKS = {
    "widgets/segment", "widgets/measure", "widgets/evaluate", "widgets/train", "widgets/models",
}  # fmt: skip
BELOW: dict[str, set[str]] = {
    **{leaf: {"core"} for leaf in LEAVES - {"core"}},
    "core": set(),
    "network/architectures": {"core", "network"},
    "network/graphs": {"core", "network", "network/architectures"},
    "network/runtimes": {"core", "network", "network/architectures"},
    "files/tables": {"core", "files/formats"},
    "files": {"core", "geometry", "files/formats", "files/tables"},
    "figures": {"core", "geometry"},
    "heads/encoding": {"core", "heads/decoding"},
    "heads": {"core", "metrics", "objects", "heads/decoding", "heads/encoding"},
    "features/declare": {"core", "features/kernels"},
    "features/groups": {"core", "objects", "features/kernels", "features/declare"},
    "features": {"core", "objects", "features/kernels", "features/declare", "features/groups"},
    "mask_sets": {"core", "objects", "metrics"},
    "mask_sets/readings": {"core", "mask_sets"},
    "models": LEAVES | HEADS | MASKS | {"files"},
    "models/importing": LEAVES | HEADS | MASKS | {"files", "models"},
    "models/download": LEAVES | HEADS | MASKS | {"files", "models", "models/importing"},
    "models/exporting": LEAVES | HEADS | MASKS | {"files", "models"},
    "measurement": READ | MEASURE,
    "evaluation": READ,
    "segmentation/maps": MODELS,
    "segmentation/setup": MAPS,
    "segmentation/masks": SETUP,
    "segmentation/collect": RUN_MASKS | MEASUREMENT,
    "segmentation": COLLECT,
    "training/augment": {"core", "geometry"},
    "training/data": SEGMENTATION | {"training/augment"},
    "training/loop": SEGMENTATION | {"training/augment", "training/data"},
    "training/masks": SEGMENTATION | {"training/augment", "training/data", "training/loop"},
    "training/plan": SEGMENTATION | {"training/augment", "training/data", "training/loop"},
    "training": TRAINING,
    "api": JOBS,
    "cli": JOBS,
    "__main__": {"cli", "core"},
    "__init__": JOBS | {"api"},
    "widgets/controls": JOBS,
    "widgets/layers": JOBS | {"widgets/controls"},
    **dict.fromkeys(DOCKS, DOCK),
    "widgets/plugin": DOCK | DOCKS,
}
# Modules of one name: why each of them mirrors the others.
MIRRORS = {
    "segment": "the Python function, the command and the generator of one verb",
    "measure": "the Python function, the command, and the measuring of volumes and of arrays",
    "evaluate": "the Python function, the command and the generator of one verb",
    "train": "the Python function, the command and the generator of one verb",
    "tune": "the Python function, the command and the generator of one verb",
    "models": "the Python functions and the commands about models",
    "bioimageio": "the import and the export of one format",
    "demo": "the command and the generator of one verb",
    "options": "the options of each room, and their base",
    "report": "the report of each job",
    "estimate": "the estimate of a run, and how the dock shows it",
    "dock": "one dock a folder, and the base of all",
    "form": "one form a dock",
    "job": "one job a dock",
    "onnx": "what runs a format, and what writes it",
    "nnunet": "the networks of a framework, and the import of its folders",
    "export_panel": "one panel a dock",
}


def dotted(path: Path) -> list[str]:
    """Return the names of a file's package: `heads/base.py` is in `napari_tally.heads`."""
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


MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in FILES
}


def room(path: Path) -> str:
    """Return the room of a file: "heads/decoding", "heads", or the file's name in the root."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return "/".join(parts[:-1]) or parts[0]


def modules_used(path: Path) -> set[str]:
    """Return the other modules of the package that a file imports from."""
    names = {name.removeprefix("napari_tally.") for name in imports(path)}
    found = {name if name in MODULES else name.rpartition(".")[0] for name in names}
    return {name for name in found & MODULES.keys() if MODULES[name] != path}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_only(path: Path) -> None:
    if path.name == "__init__.py" and room(path) not in BELOW:
        assert not modules_used(path)  # a folder that only holds rooms
        return
    assert room(path) in BELOW, f"{path} is in no room of the design"
    used = {room(MODULES[name]) for name in modules_used(path)}
    assert used <= BELOW[room(path)] | {room(path)}


def test_files_do_not_import_each_other_in_a_circle() -> None:
    TopologicalSorter({name: modules_used(path) for name, path in MODULES.items()}).prepare()


def test_no_two_modules_have_one_name_unless_they_mirror_each_other() -> None:
    names = Counter(path.stem for path in FILES if path.name != "__init__.py")
    assert {name for name, count in names.items() if count > 1} == MIRRORS.keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_napari_and_qt_are_imported_by_widgets_only(path: Path) -> None:
    if not room(path).startswith("widgets"):
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


def test_every_room_has_modules() -> None:
    packages = {path.parent for path in FILES if path.name == "__init__.py"} - {PACKAGE}
    inhabited = {folder for path in FILES if path.name != "__init__.py" for folder in path.parents}
    assert packages <= inhabited


HIDDEN = """
if TYPE_CHECKING:
    from ..models import load
from . import base
import monai.nets
"""


def test_relative_imports_and_those_for_types_are_found() -> None:
    nodes = list(ast.walk(ast.parse(HIDDEN)))
    names = {name for node in nodes for name in imported(node, ["napari_tally", "heads"])}
    assert names == {"napari_tally.models.load", "napari_tally.heads.base", "monai.nets"}
