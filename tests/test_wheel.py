"""The built package holds what it needs and nothing else, and works without a viewer."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from napari_tally.models.bundle import shipped_models

ROOT = Path(__file__).parents[1]
LARGEST_WHEEL = 60_000_000  # bytes

pytestmark = pytest.mark.slow

WRITE_IMAGE = """
import numpy, tifffile
y, x = numpy.mgrid[:96, :96]
discs = sum(((y - a) ** 2 + (x - b) ** 2 < 100) for a in (24, 72) for b in (24, 72))
noise = numpy.random.default_rng(0).normal(100, 5, (96, 96))
tifffile.imwrite("discs.tif", (noise + 400 * discs).astype("uint16"))
"""


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    run(*build, str(ROOT), cwd=folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of an environment that holds the wheel and what it depends on."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    interpreter = folder / "bin" / "python"
    options = ["-qq", "--disable-pip-version-check", "-c", str(ROOT / "constraints.txt")]
    run(interpreter, "-m", "pip", "install", *options, wheel, cwd=folder)
    return interpreter


def test_the_wheel_holds_the_manifest_and_the_shipped_models_and_no_tests(wheel: Path) -> None:
    names = ZipFile(wheel).namelist()
    assert "napari_tally/napari.yaml" in names
    assert "napari_tally/figures/templates/page.html" in names
    for name in shipped_models():
        model = f"napari_tally/models/shipped/{name}"
        assert f"{model}/configs/metadata.json" in names
        assert f"{model}/models/model.safetensors" in names
        assert f"{model}/docs/README.md" in names
    assert any(name.endswith("licenses/NOTICE") for name in names)
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"napari_tally"}


def test_the_wheel_stays_a_quick_download(wheel: Path) -> None:
    assert wheel.stat().st_size <= LARGEST_WHEEL


def test_an_installed_wheel_segments_without_napari(python: Path, tmp_path: Path) -> None:
    run(python, "-c", WRITE_IMAGE, cwd=tmp_path)
    run(python.with_name("tally"), "segment", "discs.tif", "--output", "out", cwd=tmp_path)
    assert (tmp_path / "out" / "discs_labels.tif").is_file()
    assert (tmp_path / "out" / "discs_objects.csv").is_file()


def test_an_installed_wheel_brings_no_viewer(python: Path, tmp_path: Path) -> None:
    code = "import importlib.util as u; print(u.find_spec('napari'), u.find_spec('qtpy'))"
    assert run(python, "-c", code, cwd=tmp_path).stdout.split() == ["None", "None"]
