"""The flow from each voxel to its object's centre, along the middle of the object.

This is the target of the `flow` head. Cellpose simulates heat diffusion from the centre (Stringer
et al., 2021, https://doi.org/10.1038/s41592-020-01018-x). Here a front starts at the centre with a
speed proportional to the distance from the border (the quasihyperbolic metric of Gehring & Palka,
1976, https://doi.org/10.1007/BF02786713). The flow is similar: paths leave the border at a right
angle and follow the middle of a bent object. But it takes one pass for any object, while diffusion
takes as many as the object is long and underflows in long thin ones; and as voxels are ordered by
arrival time, every path ends at the centre.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import prange
from numpy.typing import NDArray

from ...core.jit import compiled, inlined
from ..decoding.follow_flow import step_of
from ..decoding.padded_neighbours import faces_of, framed_shape, steps_of
from ..decoding.seeded_growth import as_3d
from .distance_transform import squared_depths
from .priority_queue import ROOM, entry, place_of, pop, push, with_room
from .targets import nearest_to_centroids

_DEEP = 0.5  # minimum depth of a centre, relative to the deepest voxel: never at the border


def write_flows(labels: NDArray[np.integer], maps: NDArray[np.float32]) -> None:
    """Write unit vectors that point to the centre of each object.

    The neighbour given by `step_of` is always in the same object and nearer to the centre. Vectors
    are 0 at the centre and outside objects.

    Parameters
    ----------
    labels : ndarray of int, shape (B, *spatial)
    maps : ndarray of float32, shape (B, C, *spatial)
        The last channels are written, one per axis.
    """
    shape = labels.shape[1:]
    stack, ids = as_3d(shape), np.ascontiguousarray(labels, np.int32)
    neighbours = _neighbours(framed_shape(shape))
    stacks = maps.reshape(*maps.shape[:2], *stack, copy=False)
    _write_flows(ids.reshape(-1, *stack), *neighbours, len(shape), stacks)


@lru_cache(maxsize=8)
def _neighbours(
    shape: tuple[int, ...],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the steps to the neighbours, the faces that each crosses (bits), and its length."""
    steps = steps_of(shape)
    parts = np.zeros(len(steps), np.int64)
    rest = steps.copy()
    for axis in range(len(shape)):
        along = np.rint(rest / -steps[axis]).astype(np.int64)
        rest += along * steps[axis]
        parts |= np.where(along < 0, 1 << axis, 0) | np.where(
            along > 0, 1 << 2 * len(shape) - 1 - axis, 0
        )
    return steps, parts, np.sqrt(np.bitwise_count(parts).astype(np.float64))


@compiled(parallel=True)
def _write_flows(
    labels: NDArray[np.int32],
    steps: NDArray[np.int64],
    parts: NDArray[np.int64],
    lengths: NDArray[np.float64],
    ndim: int,
    maps: NDArray[np.float32],
) -> None:
    """Write the flows of several stacks of labels into the last channels of their maps."""
    for i in prange(len(labels)):
        _write_flow(labels[i], steps, parts, lengths, maps[i, maps.shape[1] - ndim :])


@inlined
def _write_flow(
    labels: NDArray[np.int32],
    steps: NDArray[np.int64],
    parts: NDArray[np.int64],
    lengths: NDArray[np.float64],
    flow: NDArray[np.float32],
) -> None:
    """Write the flow of a stack of labels, shape (ndim, *stack)."""
    ndim, frame = len(flow), 1 if len(flow) == 3 else 0  # 2D images have no padding in Z
    planes, rows, columns = labels.shape
    ids = np.zeros((planes + 2 * frame, rows + 2, columns + 2), np.int32)
    ids[frame : frame + planes, 1:-1, 1:-1] = labels
    slow = np.ones(ids.shape, np.float32)
    _write_slowness(labels, slow[frame : frame + planes, 1:-1, 1:-1])
    center = np.zeros((int(ids.max()) + 1, 3), np.intp)
    nearest_to_centroids(np.where(slow <= 1 / _DEEP, ids, 0), center)
    flat = ids.ravel()
    time, fronts = np.full(flat.size, np.inf), np.full((ndim, flat.size), np.inf)
    order, where = np.full(flat.size, -1, np.int32), np.full(flat.size, -1, np.int32)
    heap = np.empty(ROOM, np.int64)
    for i in range(1, len(center)):
        start = (center[i, 0] * ids.shape[1] + center[i, 1]) * ids.shape[2] + center[i, 2]
        if flat[start] == i:  # skips missing ids
            heap = _march(
                start, heap, where, flat, slow.ravel(), steps, parts, lengths, fronts, time, order
            )
    framed_flow = np.zeros((ndim, flat.size), np.float32)
    _descend(flat, time, order, steps, framed_flow)
    stacks = framed_flow.reshape(ndim, *ids.shape)
    flow[:] = stacks[:, frame : frame + planes, 1:-1, 1:-1]


@inlined
def _write_slowness(labels: NDArray[np.int32], slow: NDArray[np.float32]) -> None:
    """Write the maximum depth of each voxel's object divided by its own depth."""
    depths = np.sqrt(squared_depths(labels))
    peak = np.zeros(int(labels.max()) + 1, np.float32)
    ids, flat = labels.ravel(), depths.ravel()
    for i in range(ids.size):
        peak[ids[i]] = max(peak[ids[i]], flat[i])
    for z in range(labels.shape[0]):
        for y in range(labels.shape[1]):
            for x in range(labels.shape[2]):
                most = peak[labels[z, y, x]]
                if 0 < most < np.inf:  # one object that fills the image has no border
                    slow[z, y, x] = most / depths[z, y, x]


@inlined
def _march(
    start: int,
    heap: NDArray[np.int64],
    where: NDArray[np.int32],
    ids: NDArray[np.int32],
    slow: NDArray[np.floating],
    steps: NDArray[np.int64],
    parts: NDArray[np.int64],
    lengths: NDArray[np.float64],
    fronts: NDArray[np.float64],
    time: NDArray[np.float64],
    order: NDArray[np.int32],
) -> NDArray[np.int64]:
    """Write the time and order in which the front reaches the voxels of an object.

    Fast marching (Sethian, 1996, https://doi.org/10.1073/pnas.93.4.1591), with direct steps to
    diagonal neighbours that are connected by no face. `fronts`, shape (ndim, voxels), gets the time
    of the earlier neighbour of each voxel along each axis. Returns the heap, which may have grown.
    """
    faces = faces_of(steps)
    time[start] = 0.0
    waiting, count = push(heap, where, 0, entry(0.0, start)), 0
    while waiting > 0:
        i = place_of(pop(heap, where, waiting))
        waiting -= 1
        order[i] = count
        count += 1
        heap = with_room(heap, waiting)
        open_faces = 0
        for k in range(faces):
            j = i + steps[k]
            if ids[j] != ids[i]:
                continue
            open_faces |= 1 << k
            axis = min(k, faces - 1 - k)
            if order[j] >= 0 or fronts[axis, j] <= time[i]:
                continue
            fronts[axis, j] = time[i]
            at = _arrival(fronts, j, np.float64(slow[j]))
            if at < time[j]:
                time[j] = at
                waiting = push(heap, where, waiting, entry(at, j))
        if open_faces == (1 << faces) - 1:
            continue
        for k in range(faces, len(steps)):
            j = i + steps[k]
            if ids[j] != ids[i] or open_faces & parts[k] or order[j] >= 0:
                continue
            at = time[i] + lengths[k] * slow[j]
            if at < time[j]:
                time[j] = at
                waiting = push(heap, where, waiting, entry(at, j))
    return heap


@inlined
def _arrival(fronts: NDArray[np.float64], i: int, slow: float) -> float:
    """Return when a straight front reaches a voxel, given the times of its neighbours.

    From one neighbour it is t + slow; a further axis counts if its front is earlier than that:
    then the sum of (at - t)^2 over the axes is slow^2.
    """
    first, second, third = np.inf, np.inf, np.inf  # of the axes, in the order of their fronts
    for axis in range(fronts.shape[0]):
        t = fronts[axis, i]
        if t < first:
            first, second, third = t, first, second
        elif t < second:
            second, third = t, second
        else:
            third = min(t, third)
    at = first + slow
    if second < at:
        total, squares = first + second, first**2 + second**2
        at = (total + max(total**2 - 2 * (squares - slow**2), 0.0) ** 0.5) / 2
        if third < at:
            total, squares = total + third, squares + third**2
            at = (total + max(total**2 - 3 * (squares - slow**2), 0.0) ** 0.5) / 3
    return at


@inlined
def _descend(
    ids: NDArray[np.int32],
    time: NDArray[np.float64],
    order: NDArray[np.int32],
    steps: NDArray[np.int64],
    flow: NDArray[np.float32],
) -> None:
    """Write the direction of steepest descent in time, or that of the earliest neighbour."""
    ndim = flow.shape[0]
    for i in range(ids.size):
        if ids[i] == 0 or time[i] == 0:
            continue
        square = 0.0
        for k in range(ndim):
            down, up = i + steps[k], i + steps[2 * ndim - 1 - k]
            fall = 0.0
            if ids[down] == ids[i] and ids[up] == ids[i]:
                fall = (time[down] - time[up]) / 2
            elif ids[down] == ids[i]:
                fall = min(time[down] - time[i], 0.0)
            elif ids[up] == ids[i]:
                fall = max(time[i] - time[up], 0.0)
            flow[k, i] = fall
            square += fall * fall
        for k in range(ndim):
            flow[k, i] /= max(square, 1e-30) ** 0.5
        j = i + step_of(flow, steps, i)
        if ids[j] != ids[i] or order[j] >= order[i]:
            _point_to_first(ids, time, steps, flow, i)


@inlined
def _point_to_first(
    ids: NDArray[np.int32],
    time: NDArray[np.float64],
    steps: NDArray[np.int64],
    flow: NDArray[np.float32],
    i: int,
) -> None:
    """Write the direction to the neighbour that the front reaches first."""
    best = -1
    for k in range(len(steps)):
        if ids[i + steps[k]] == ids[i] and (best < 0 or time[i + steps[k]] < time[i + steps[best]]):
            best = k
    rest = steps[best]
    square = 0.0
    for k in range(flow.shape[0]):
        stride = -steps[k]
        flow[k, i] = np.round(rest / stride)
        rest -= np.int64(flow[k, i]) * stride
        square += flow[k, i] ** 2
    for k in range(flow.shape[0]):
        flow[k, i] /= square**0.5
