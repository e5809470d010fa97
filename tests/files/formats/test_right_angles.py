"""Images whose axes are not at right angles are read with a word about their sizes."""

from __future__ import annotations

import logging
from pathlib import Path

import nibabel
import numpy as np
import pytest
from dicoms import along, save_series

from napari_tally import read
from napari_tally.files import read_header


def test_a_tilted_gantry_is_said_with_the_error_of_volumes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tilt = np.radians(20)
    steps = along(4, (0.0, 2.5 * np.tan(tilt), 2.5))
    save_series(tmp_path / "ct", np.zeros((4, 5, 6), np.int16), steps)
    read(tmp_path / "ct")
    assert "20° off" in caplog.text
    assert f"{100 * (1 / np.cos(tilt) - 1):.2g}% too large" in caplog.text


@pytest.mark.parametrize("reader", [read, read_header])
def test_a_sheared_affine_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, reader: object
) -> None:
    sheared = np.diag([0.7, 0.8, 2.0, 1.0])
    sheared[0, 2] = 1.0
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 5, 6), np.uint8), sheared), tmp_path / "a.nii")
    reader(tmp_path / "a.nii")  # type: ignore[operator]
    assert "not at right angles" in caplog.text


def test_nothing_is_said_of_rotated_and_nearly_straight_axes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    turn = np.radians(30)
    rotated = np.diag([0.7, 0.8, 2.0, 1.0])
    rotated[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    rotated[0, 2] += 1e-3
    image = nibabel.Nifti1Image(np.zeros((4, 5, 6), np.uint8), rotated)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, tmp_path / "a.nii")
    with caplog.at_level(logging.WARNING):
        read(tmp_path / "a.nii")
    assert not caplog.text
