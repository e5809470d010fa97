"""Eigenvalues of small matrices: as LAPACK's."""

from __future__ import annotations

import numpy as np

from napari_tally.features.kernels.eigen_3x3 import principal_3d


def test_matrices_of_any_scale_are_solved_as_by_lapack() -> None:
    random = np.random.default_rng(0)
    roots = random.normal(size=(500, 3, 3)) * np.exp(random.uniform(-6, 6, (500, 1, 1)))
    matrices = roots @ roots.transpose(0, 2, 1)
    matrices[:4] = np.zeros((3, 3)), np.eye(3), np.diag([3.0, 1.0, 3.0]), np.ones((3, 3))
    values, vectors = principal_3d(matrices)
    expected = np.linalg.eigvalsh(matrices)[:, ::-1]
    largest = np.maximum(expected[:, :1], 1e-300)
    assert np.abs((values - expected) / largest).max() < 1e-14
    again = (vectors * values[:, None]) @ vectors.transpose(0, 2, 1)
    assert np.abs((again - matrices) / largest[:, :, None]).max() < 1e-14
    assert np.abs(vectors.transpose(0, 2, 1) @ vectors - np.eye(3)).max() < 1e-14


def test_what_is_not_a_number_stays_so_and_spoils_nothing_else() -> None:
    matrices = np.stack([np.full((3, 3), np.nan), np.diag([1.0, 2.0, 3.0])])
    values, vectors = principal_3d(matrices)
    assert np.isnan(values[0]).all() and np.isnan(vectors[0]).all()
    assert values[1].tolist() == [3, 2, 1]


def test_none_is_fine_too() -> None:
    values, vectors = principal_3d(np.empty((0, 3, 3)))
    assert values.shape == (0, 3) and vectors.shape == (0, 3, 3)
