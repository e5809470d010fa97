"""Volumes with a known affine, for the tests of file formats."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_tally.core.volume import Volume


def oblique_affine(spacing: tuple[float, ...] = (2.5, 0.8, 0.7)) -> np.ndarray:
    """Return an affine (z, y, x) to (superior, posterior, left) that is rotated about all axes."""
    a, b = np.radians((20.0, -35.0))
    about_x = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_z = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    affine = np.eye(4)
    affine[:3, :3] = about_x @ about_z @ np.diag((1.0, -1.0, 1.0)) @ np.diag(spacing)
    affine[:3, 3] = (-40.25, 12.5, 90.0)
    return affine


def numbered(axes: str = "ZYX", dtype: Any = np.int16, **options: Any) -> Volume:
    """Return a small volume of which every voxel has another value."""
    sizes = dict(zip("TCZYX", (3, 2, 4, 5, 6), strict=True))
    shape = tuple(sizes[a] for a in axes)
    return Volume(np.arange(np.prod(shape)).reshape(shape).astype(dtype), axes, **options)


def oblique(axes: str = "ZYX", **options: Any) -> Volume:
    """Return a numbered volume with an oblique affine."""
    spacing = (2.5, 0.8, 0.7)
    return numbered(axes, spacing=spacing, unit="mm", affine=oblique_affine(spacing), **options)


def assert_same(found: Volume, expected: Volume, rtol: float = 1e-5) -> None:
    """Assert that two volumes have the same voxels, axes, geometry and channel names."""
    assert found.axes == expected.axes
    np.testing.assert_array_equal(np.asarray(found.array), np.asarray(expected.array))
    assert found.channel_names == expected.channel_names
    assert found.is_labels == expected.is_labels
    assert (found.spacing is None) == (expected.spacing is None)
    assert found.unit == expected.unit
    if expected.spacing is not None:
        np.testing.assert_allclose(found.spacing, expected.spacing, rtol=rtol)
    assert (found.affine is None) == (expected.affine is None)
    if expected.affine is not None:
        np.testing.assert_allclose(found.affine, expected.affine, rtol=rtol, atol=1e-5)
