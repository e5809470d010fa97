"""What a header claims is compared with the file and the memory before pixels are read."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from napari_tally.core.errors import FileError
from napari_tally.files.formats.claimed_size import check_claimed_size


def of_size(path: Path, size: int) -> Path:
    path.write_bytes(bytes(size))
    return path


def test_pixels_without_compression_fit_exactly(tmp_path: Path) -> None:
    path = of_size(tmp_path / "a.raw", 240)
    assert check_claimed_size(path, (2, 3, 20), "u2", compressed=False) == 240
    with pytest.raises(FileError, match=r"claims 242 bytes \(121 of uint16\).* holds 240 bytes"):
        check_claimed_size(path, (121,), "u2", compressed=False)
    with pytest.raises(FileError, match="holds 200 bytes"):
        check_claimed_size(path, (120,), "u2", compressed=False, held=200)


def test_deflate_packs_1032_bytes_into_one_at_most(tmp_path: Path) -> None:
    path = of_size(tmp_path / "a.gz", 1000)
    check_claimed_size(path, (1000, 1032), "u1", compressed=True)
    with pytest.raises(FileError, match=r"claims 1\.0 MB .* holds 1\.0 kB compressed"):
        check_claimed_size(path, (1000, 1033), "u1", compressed=True)
    check_claimed_size(path, (1000, 1033), "u1", compressed=True, ratio=None)


def test_what_is_decoded_whole_fits_in_the_free_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = of_size(tmp_path / "a.gz", 100)
    memory = type("Memory", (), {"available": 5000})
    monkeypatch.setattr(psutil, "virtual_memory", memory)
    check_claimed_size(path, (5000,), "u1", compressed=True)
    with pytest.raises(FileError, match=r"needs 5\.0 kB of memory, but 5\.0 kB are free"):
        check_claimed_size(path, (5001,), "u1", compressed=True)
    check_claimed_size(path, (5001,), "u1", compressed=True, loaded=False)


@pytest.mark.parametrize(
    "shape", [(), (0, 4), (-3, 4), (2**40 + 1,), (2**31, 2**31, 2**31), (1,) * 33]
)
def test_absurd_axes_are_refused_without_overflow(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = of_size(tmp_path / "a", 10)
    with pytest.raises(FileError, match="claims"):
        check_claimed_size(path, shape, "f8", compressed=False, loaded=False)
