"""Write an OME-Zarr with smaller levels, or labels into the group of their image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from ...core.atomic import replacing_all
from ...core.errors import FileError, InputError, TallyError
from ...core.options import Options
from .axis_order import ORDER, arranged
from .label_dtype import smallest
from .ome_zarr_group import KEY, Node, inside
from .ome_zarr_metadata import UNITS
from .voxel_size import logger
from .world_coordinates import affine_of

if TYPE_CHECKING:
    import zarr
    from ome_zarr_models.v04.multiscales import Multiscale

    from ...core.volume import Volume

DEFAULT_VERSION = "0.4"
_LABEL_TYPES = ("uint8", "uint16", "uint32")
_LARGE = 1024  # Y or X beyond which a smaller level is written
_NARROW = 64  # Y or X below which an axis is not halved
_CHUNK = {"T": 1, "C": 1, "Z": 32, "Y": 256, "X": 256}
_TYPES = {"T": "time", "C": "channel"}


class WriteOptions(Options):
    """How an OME-Zarr is written."""

    zarr_version: Literal["0.4", "0.5"] | None = Field(
        None,
        description="Version of an OME-Zarr. Default: 0.4, which most programs read, or that of "
        "the image that labels are added to.",
    )


def write(volume: Volume, path: Path, *, zarr_version: str | None = None) -> None:
    """Write an OME-Zarr, or labels into the group of an image.

    Labels go to `image.ome.zarr/labels/NAME`, in the version of the image, and are added to its
    list. Axes become (t, c, z, y, x); the order that they had is noted. Spacing and origin are
    kept, the orientation is not. An image that is read lazily is written chunk by chunk.

    Parameters
    ----------
    volume : Volume
    path : Path
    zarr_version : str, optional
        "0.4", which most programs read, or "0.5". Default: that of the image, else 0.4.

    Raises
    ------
    InputError
        If OME-Zarr does not have the dtype, labels have no image, or the version is not that of
        the image.
    FileError
        If the folder cannot be written.
    """
    if volume.array.dtype.kind not in "biuf" or 0 in volume.shape:
        raise InputError(
            f"{path.name} cannot hold an array of {volume.array.dtype} and shape {volume.shape}",
            hint="Convert it to integers, float32 or float64",
        )
    image = _image_of(path) if inside(path) else None
    version = zarr_version or (DEFAULT_VERSION if image is None else image.version)
    if image is not None and version != image.version:
        raise InputError(
            f"Labels of version {version} cannot be added to an OME-Zarr {image.version}",
            hint="Omit the version",
        )
    with replacing_all(path, like=_is_only_an_image) as part:
        _write(volume, part, version, owned=image is not None)
    if image is not None:
        _enlist(path, version)


def _is_only_an_image(path: Path) -> bool:
    """Return whether a folder is an OME-Zarr image, with nothing of others in it."""
    try:
        image = "multiscales" in Node.opened(path).ome
    except TallyError:
        return False
    parts = [part for part in path.iterdir() if not part.name.startswith(".")]
    nodes = ("zarr.json", ".zarray", ".zgroup")
    return image and all(
        part.name in nodes or any((part / name).is_file() for name in nodes) for part in parts
    )


def _image_of(path: Path) -> Any:
    """Return the group of the image that labels are for."""
    image = path.parent.parent
    if path.parent.name != "labels" or not image.is_dir():
        raise InputError(
            f"Labels cannot be added at {path}", hint="Name them image.ome.zarr/labels/NAME"
        )
    node = Node.opened(image)
    if "multiscales" not in node.ome:
        raise InputError(f"Labels cannot be added to {image}, which is not an image")
    return node


def _enlist(path: Path, version: str) -> None:
    """Add labels to the list of their image."""
    import zarr

    try:
        group = zarr.open_group(
            str(path.parent), mode="a", zarr_format=3 if version == "0.5" else 2
        )
        known = dict(group.attrs.get("ome") or {}) if version == "0.5" else dict(group.attrs)
        names = [str(name) for name in known.get("labels") or ()]
        known["labels"] = [*names, *({path.name} - set(names))]
        group.attrs.update({"ome": known | {"version": version}} if version == "0.5" else known)
    except OSError as error:
        raise FileError(f"{path.parent} cannot be written") from error


def _write(volume: Volume, path: Path, version: str, *, owned: bool) -> None:
    """Write the levels, then the metadata, into a new folder."""
    import zarr

    labels = volume.is_labels or owned
    order = "".join(a for a in ORDER if a in volume.axes)
    array = volume.array
    if labels:
        array = smallest(np.asarray(array), _LABEL_TYPES)
    group = zarr.open_group(str(path), mode="w", zarr_format=3 if version == "0.5" else 2)
    stored = [_stored(arranged(volume, array, order), group, "0", order, labels=labels)]
    while max(stored[-1].shape[-2:]) > _LARGE:
        smaller = _halved(stored[-1], labels=labels)
        stored.append(_stored(smaller, group, str(len(stored)), order, labels=labels))
    multiscale = _multiscale(volume, order, len(stored), path.name, labels=labels)
    metadata = _metadata(volume, multiscale, version, stored[-1])
    if labels:
        metadata["image-label"] = {"source": {"image": "../../"}} if owned else {}
        metadata["image-label"] |= {"version": version} if version == "0.4" else {}
    noted = {KEY: {"axes": volume.axes}}
    group.attrs.update(noted | ({"ome": metadata} if version == "0.5" else metadata))


def _stored(data: Any, group: zarr.Group, name: str, order: str, *, labels: bool) -> zarr.Array:
    """Write one level, chunk by chunk."""
    import dask.array as da
    from numcodecs import Blosc

    chunks = tuple(min(n, _CHUNK[a]) for n, a in zip(data.shape, order, strict=True))
    old = group.metadata.zarr_format == 2
    names = {} if old else {"dimension_names": list(order.lower())}
    array = group.create_array(
        name,
        shape=data.shape,
        chunks=chunks,
        dtype=np.uint8 if data.dtype == bool else data.dtype.newbyteorder("="),
        compressors=Blosc(cname="lz4", clevel=5) if old else "auto",
        chunk_key_encoding={"name": "v2" if old else "default", "separator": "/"},
        config={"write_empty_chunks": not labels},  # a chunk that lacks in an image is a warning
        **names,
    )
    da.store(da.asarray(data).astype(array.dtype).rechunk(chunks), array, lock=False)
    return array


def _halved(array: zarr.Array, *, labels: bool) -> Any:
    """Return a level half as large along Y and X: every second label, means of intensities."""
    import dask.array as da

    whole = da.from_zarr(array)
    axes = {axis: 2 for axis in (whole.ndim - 2, whole.ndim - 1) if _is_halved(whole.shape[axis])}
    if labels:
        return whole[tuple(slice(None, None, axes.get(axis)) for axis in range(whole.ndim))]
    means = da.coarsen(np.mean, whole, axes, trim_excess=True)
    return (means.round() if array.dtype.kind in "iu" else means).astype(array.dtype)


def _is_halved(length: int) -> bool:
    """Return whether an axis is halved: a strip stays as narrow as it is."""
    return length >= _NARROW


def _multiscale(volume: Volume, order: str, count: int, name: str, *, labels: bool) -> Multiscale:
    """Return the metadata of axes and levels in OME-Zarr 0.4."""
    from ome_zarr_models.v04.axes import Axis
    from ome_zarr_models.v04.multiscales import Dataset, Multiscale

    unit = UNITS.get(volume.unit)
    axes = [
        Axis(name=a.lower(), type=_TYPES.get(a, "space"), unit=None if a in _TYPES else unit)
        for a in order
    ]
    lengths = {a: n for a, n in zip(volume.axes, volume.shape, strict=True) if a in "YX"}
    sizes = dict(zip(volume.spatial_axes, volume.spacing_in(volume.unit), strict=True))
    starts = dict(zip(volume.spatial_axes, _starts(volume), strict=True))
    datasets = []
    factor = {"Y": 1.0, "X": 1.0}
    for level in range(count):
        for axis, length in lengths.items():
            if level and _is_halved(length):
                factor[axis] *= 2
                lengths[axis] = -(-length // 2) if labels else length // 2
        shift = 0.0 if labels else 0.5  # the mean of two voxels is between them
        scale = [sizes.get(a, 1.0) * factor.get(a, 1.0) for a in order]
        start = [
            starts.get(a, 0.0) + shift * (factor.get(a, 1.0) - 1) * sizes.get(a, 1.0) for a in order
        ]
        datasets.append(
            Dataset.build(path=str(level), scale=scale, translation=start if any(start) else None)
        )
    return Multiscale(axes=axes, datasets=datasets, name=name, version="0.4")


def _starts(volume: Volume) -> list[float]:
    """Return the position of the first voxel, 0 if the axes are not those of the world."""
    affine = affine_of(volume)
    if np.allclose(affine[:-1, :-1], np.diag(volume.spacing_in(volume.unit)), rtol=1e-6):
        return [float(v) for v in affine[:-1, -1]]
    logger.warning("%s: an OME-Zarr keeps the spacing, not the orientation.", volume.name)
    return [0.0] * (len(affine) - 1)


def _metadata(
    volume: Volume, multiscale: Multiscale, version: str, smallest_level: zarr.Array
) -> dict[str, Any]:
    new = version == "0.5"
    chosen = multiscale.to_version("0.5") if new else multiscale
    metadata: dict[str, Any] = {"multiscales": [chosen.model_dump(mode="json", exclude_none=True)]}
    if new:
        metadata["version"] = version
    if volume.channel_names:
        values = np.asarray(smallest_level)
        low, high = float(values.min()), float(values.max())
        window = {"min": low, "max": high, "start": low, "end": high}
        metadata["omero"] = {
            "channels": [
                {"label": name, "color": "FFFFFF", "window": window, "active": True}
                for name in volume.channel_names
            ]
        }
    return metadata
