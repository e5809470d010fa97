"""The tiles on which an imported network of class maps runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...network.tile_layout import Tiling

if TYPE_CHECKING:
    from ...network.runtimes import Runtime

_HALO_2D, _HALO_3D, _TILE_3D = 64, 16, 128


def tiles_for(runtime: Runtime) -> Tiling:
    """Return tiles of the size that a network takes if that is fixed, else of a usual one."""
    size, deep = runtime.size, runtime.spatial_dims == 3
    if not size:
        return Tiling(tile=_TILE_3D, halo=_HALO_3D) if deep else Tiling()
    return Tiling(
        tile=max(16, *size),
        tiles=size if len(set(size)) > 1 or min(size) < 16 else (),
        halo=min(_HALO_3D if deep else _HALO_2D, max(size) // 8),
        mirror=0,
        exact=True,
    )
