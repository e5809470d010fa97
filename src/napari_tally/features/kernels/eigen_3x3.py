"""Eigenvalues and eigenvectors of many small symmetric matrices, in one compiled loop.

Cyclic Jacobi rotations (Golub & Van Loan, Matrix Computations, 4th ed., section 8.5): as exact as
LAPACK, which for matrices this small spends most of its time on being called.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.jit import compiled, inlined

# isort: split
from numba import prange  # after `jit`, which tells numba what it may take

_SWEEPS = 12  # it converges quadratically: five or six do


def principal_3d(
    matrices: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return eigenvalues, largest first, and unit eigenvectors, in columns.

    Parameters
    ----------
    matrices : ndarray of float64, shape (n, 3, 3)
        Symmetric. One that is not finite has NaN for both.

    Returns
    -------
    values : ndarray of float64, shape (n, 3)
    vectors : ndarray of float64, shape (n, 3, 3)
    """
    values, vectors = np.empty(matrices.shape[:2]), np.empty(matrices.shape)
    _solve(np.ascontiguousarray(matrices, dtype=np.float64), values, vectors)
    return values, vectors


@compiled(parallel=True)
def _solve(
    matrices: NDArray[np.float64], values: NDArray[np.float64], vectors: NDArray[np.float64]
) -> None:
    for i in prange(len(matrices)):
        _solve_one(matrices[i].copy(), values[i], vectors[i])


@inlined
def _solve_one(
    a: NDArray[np.float64], values: NDArray[np.float64], vectors: NDArray[np.float64]
) -> None:
    for i in range(3):
        for j in range(3):
            vectors[i, j] = 1.0 if i == j else 0.0
    for _ in range(_SWEEPS):
        if a[0, 1] == 0 and a[0, 2] == 0 and a[1, 2] == 0:
            break
        _rotate(a, vectors, 0, 1)
        _rotate(a, vectors, 0, 2)
        _rotate(a, vectors, 1, 2)
    for i in range(3):
        values[i] = a[i, i]
    _order(values, vectors, 0, 1)
    _order(values, vectors, 1, 2)
    _order(values, vectors, 0, 1)


@inlined
def _rotate(a: NDArray[np.float64], vectors: NDArray[np.float64], p: int, q: int) -> None:
    """Turn axes p and q so that the element between them becomes 0."""
    between = a[p, q]
    if abs(between) <= 1e-17 * (abs(a[p, p]) + abs(a[q, q])):
        a[p, q] = a[q, p] = 0.0
        return
    theta = (a[q, q] - a[p, p]) / (2 * between)
    t = (1.0 if theta >= 0 else -1.0) / (abs(theta) + np.sqrt(theta * theta + 1))
    c = 1 / np.sqrt(t * t + 1)
    s = t * c
    r = 3 - p - q
    a[p, p] -= t * between
    a[q, q] += t * between
    a[p, q] = a[q, p] = 0.0
    rp, rq = a[r, p], a[r, q]
    a[r, p] = a[p, r] = c * rp - s * rq
    a[r, q] = a[q, r] = s * rp + c * rq
    for k in range(3):
        vp, vq = vectors[k, p], vectors[k, q]
        vectors[k, p] = c * vp - s * vq
        vectors[k, q] = s * vp + c * vq


@inlined
def _order(values: NDArray[np.float64], vectors: NDArray[np.float64], i: int, j: int) -> None:
    """Let the larger of two eigenvalues come first."""
    if values[i] >= values[j]:
        return
    values[i], values[j] = values[j], values[i]
    for k in range(3):
        vectors[k, i], vectors[k, j] = vectors[k, j], vectors[k, i]
