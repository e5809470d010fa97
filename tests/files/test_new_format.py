"""A format is one declaration: reading, writing, the command line and napari follow from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import napari_tally
from napari_tally.core.errors import FileError, InputError
from napari_tally.core.options import Options
from napari_tally.core.volume import Volume
from napari_tally.files import FORMATS, register, remove, result_suffix, stem
from napari_tally.files.expand_inputs import expand
from napari_tally.files.formats.format import Format


class ToyOptions(Options):
    """How a toy is written."""

    indent: int | None = None


def read_toy(path: Path, *, axes: str | None = None) -> Volume:
    """Read an image that is a list of lists in JSON."""
    array = np.array(json.loads(path.read_text("utf-8")), np.uint8)
    return Volume(array, axes or "ZYX"[-array.ndim :], name=path.name)


def write_toy(volume: Volume, path: Path, *, indent: int | None = None) -> None:
    """Write the values alone."""
    path.write_text(json.dumps(np.asarray(volume.array).tolist(), indent=indent), "utf-8")


@pytest.fixture
def toy() -> Iterator[Format]:
    """Register the format, and nothing else."""
    yield register(
        Format(
            name="toy",
            suffixes=(".toy", ".toy.json"),
            written=(".toy",),
            read=read_toy,
            write=write_toy,
            write_options=ToyOptions,
            napari_reads=(".toy",),
            napari_writes=(".toy",),
            keeps_affine=True,
            keeps="nothing else",
        )
    )
    remove("toy")


@pytest.fixture
def image(toy: Format, tmp_path: Path) -> Path:
    """Return a file of the format."""
    (tmp_path / "a.toy").write_text("[[1, 2, 3], [4, 5, 6]]", "utf-8")
    return tmp_path / "a.toy"


def test_it_is_read_and_written_with_its_options(image: Path, tmp_path: Path) -> None:
    volume = napari_tally.read(image)
    assert (volume.axes, volume.shape) == ("YX", (2, 3))
    napari_tally.write(volume, tmp_path / "b.toy", indent=1)
    assert np.array_equal(napari_tally.read(tmp_path / "b.toy").array, volume.array)
    assert "\n" in (tmp_path / "b.toy").read_text("utf-8")


def test_unsupported_operations_are_refused(image: Path, tmp_path: Path) -> None:
    volume = napari_tally.read(image)
    with pytest.raises(InputError, match="toy files hold one image"):
        napari_tally.read(image, series="2")
    with pytest.raises(InputError, match="toy has no option zarr_version"):
        napari_tally.write(volume, tmp_path / "b.toy", zarr_version="0.4")
    with pytest.raises(InputError, match=r"Indent: .*, not 'wide'"):
        napari_tally.write(volume, tmp_path / "b.toy", indent="wide")
    with pytest.raises(FileError, match=r"Formats that can be written: .*\.toy"):
        napari_tally.write(volume, tmp_path / "b.xyz")


def test_the_command_line_offers_it(run: Any, image: Path) -> None:
    code, out, _ = run("info", str(image))
    assert (code, "toy" in out, "Y 2 x X 3" in out) == (0, True, True)
    assert run("convert", str(image), "b.tif")[0] == 0
    assert run("convert", "b.tif", "c.toy")[0] == 0
    assert Path("c.toy").read_text("utf-8") == "[[1, 2, 3], [4, 5, 6]]"
    assert ".toy" in run("convert", "--help")[1]


def test_segment_finds_it_and_writes_labels_in_it(image: Path, tmp_path: Path) -> None:
    assert [found.stem for found in expand([tmp_path])] == ["a"]
    assert stem(tmp_path / "b.toy.json") == "b"
    assert result_suffix(image) == ".toy"
    assert result_suffix(tmp_path / "b.toy.json") == ".nii.gz"  # keeps its affine


def test_napari_reads_and_saves_it(image: Path) -> None:
    from napari_tally.widgets.plugin.manifest import filename_extensions, filename_patterns
    from napari_tally.widgets.plugin.reader import get_reader

    reader = get_reader(str(image))
    assert reader is not None
    ((data, look, kind),) = reader(str(image))
    assert (data.shape, look["name"], kind) == ((2, 3), "a.toy", "image")
    assert "*.toy" in filename_patterns() and ".toy" in filename_extensions()


def test_a_package_that_it_lacks_is_named(image: Path) -> None:
    needy = Format(
        name="toy", suffixes=(".toy",), read=read_toy, packages=("no_such",), extra="toys"
    )
    register(needy)
    with pytest.raises(FileError, match=r"no_such, .* pip install \"napari-tally\[toys\]\""):
        napari_tally.read(image)


def test_removed_it_is_unknown(image: Path) -> None:
    remove("toy")
    with pytest.raises(FileError, match=r"image format of .* is not supported"):
        napari_tally.read(image)
    assert all(each.name != "toy" for each in FORMATS)
