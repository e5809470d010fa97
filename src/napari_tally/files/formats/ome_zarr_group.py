"""One group of an OME-Zarr hierarchy: its metadata and arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.errors import FileError, InputError
from ...core.quantity import LENGTHS, canonical_unit
from ...core.volume import SPATIAL, Volume
from .axis_order import ORDER, given_axes, restored, squeezed
from .series import Series, place_of
from .voxel_size import logger, spacing_of

if TYPE_CHECKING:
    import zarr
    from ome_zarr_models.v04.multiscales import Dataset, Multiscale

KEY = "napari-tally"  # of what our own writer notes
UNITS = {
    "pm": "picometer", "angstrom": "angstrom", "nm": "nanometer", "um": "micrometer",
    "mm": "millimeter", "cm": "centimeter", "m": "meter", "inch": "inch",
}  # fmt: skip
_NAMES = {name: unit for unit, name in UNITS.items()}


def inside(path: Path) -> bool:
    """Return whether a path is in a folder that is named as a Zarr group."""
    return any(parent.name.lower().endswith(".zarr") for parent in path.parents)


@dataclass(frozen=True)
class Node:
    """One group of a Zarr hierarchy.

    Attributes
    ----------
    path : Path
        Its folder.
    group : zarr.Group
    """

    path: Path
    group: zarr.Group

    @classmethod
    def opened(cls, path: Path) -> Node:
        """Open a group.

        Raises
        ------
        FileError
            If there is none.
        """
        import zarr

        if not path.exists():
            raise FileError(f"There is no Zarr group {path}")
        try:
            return cls(path, zarr.open_group(str(path), mode="r"))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FileError(f"{path} is not a Zarr group") from error

    @cached_property
    def ome(self) -> dict[str, Any]:
        """The attributes that OME's specification defines."""
        attributes = dict(self.group.attrs)
        own = attributes.get("ome")
        return own if isinstance(own, dict) else attributes

    @cached_property
    def version(self) -> str:
        """Version of OME-Zarr."""
        return "0.5" if isinstance(self.group.attrs.get("ome"), dict) else "0.4"

    @cached_property
    def series(self) -> list[Series]:
        """The images in it.

        Raises
        ------
        InputError
            If there are none.
        """
        if "multiscales" in self.ome:
            labels = self._names("labels", "labels")
            return [Series(".", "image")] + [Series(f"labels/{n}", "labels") for n in labels]
        if "plate" in self.ome:
            wells = [str(well["path"]) for well in self.ome["plate"].get("wells", ())]
            return [Series(f"{well}/{field}", "") for well in wells for field in self._fields(well)]
        if "well" in self.ome:
            return [Series(field, "") for field in self._fields("")]
        if "bioformats2raw.layout" in self.ome:
            numbers = [
                str(n) for n in sorted(int(k) for k in self.group.group_keys() if k.isdigit())
            ]
            return [Series(name, "image") for name in self._names("OME", "series") or numbers]
        if "labels" in self.ome:
            return [Series(str(name), "labels") for name in self.ome["labels"]]
        raise InputError(
            f"The Zarr group {self.path} is not an OME-Zarr: it has no multiscales, plate or well",
            hint="Write the image as OME-Zarr, or read its array in Python and set the axes",
        )

    def chosen(self, series: str | None) -> Node:
        """Return the group of the chosen image; a plate has no default."""
        listed = self.series
        several = not {"multiscales", "bioformats2raw.layout"} & set(self.ome)
        if not listed:
            raise InputError(f"{self.path} holds no image")
        place = place_of(listed, series, self.path.name, None if several else 0)
        if series is None and "bioformats2raw.layout" in self.ome and len(listed) > 1:
            logger.warning(
                "%s holds %d images; only %s is read.", self.path.name, len(listed), listed[0].key
            )
        key = listed[place].key
        return self if key == "." else Node.opened(self.path / key)

    @cached_property
    def multiscale(self) -> Multiscale:
        """The metadata of the image.

        Raises
        ------
        InputError
            If they do not follow the specification.
        """
        from ome_zarr_models.v04.image import ImageAttrs as Attrs4
        from ome_zarr_models.v05.image import ImageAttrs as Attrs5
        from pydantic import ValidationError

        try:
            if self.version == "0.5":
                return Attrs5.model_validate(self.ome).multiscales[0].to_version("0.4")
            return Attrs4.model_validate(self.ome).multiscales[0]
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise InputError(
                f"{self.path} does not follow OME-Zarr 0.4 or 0.5: {where}: {first['msg']}"
            ) from error

    @property
    def channels(self) -> list[dict[str, Any]]:
        """The metadata of each channel: label, color, window."""
        omero = self.ome.get("omero")
        return list(omero.get("channels") or ()) if isinstance(omero, dict) else []

    def volume(self, level: int, given: str | None = None) -> Volume:
        """Return one level, with other axes than the group's if they are given."""
        dataset = self.multiscale.datasets[level]
        array, axes = self._array(dataset), self._axes()
        if array.ndim != len(axes):
            raise InputError(
                f"{self.path} has {len(axes)} axes in its metadata but {array.ndim} in its array"
            )
        sizes, starts = self._sizes(dataset, axes)
        if given is not None:
            array, axes = squeezed(array, axes)
            axes = given_axes(given, array.shape, self.path.name, axes)
        else:
            array, axes = self._arranged(array, axes)
        if not sizes and level == 0:
            logger.warning("%s: no unit of length; read as uncalibrated.", self.path.name)
        spacing, unit = spacing_of(axes, sizes, self.path.name)
        affine = None
        here = [a for a in axes if a in SPATIAL]
        if spacing is not None and any(starts[a] for a in here):
            affine = np.diag([*spacing, 1.0])
            affine[:-1, -1] = [starts[a] * LENGTHS[sizes[a][1]] / LENGTHS[unit] for a in here]
        count = array.shape[axes.index("C")] if "C" in axes else 1
        names = tuple(str(channel.get("label") or "") for channel in self.channels)
        fits = len(names) == count and all(names)
        return Volume(
            array, axes, spacing, unit, affine, names if fits else (), self.path.name,
            "image-label" in self.ome,
        )  # fmt: skip

    def _array(self, dataset: Dataset) -> Any:
        import dask.array as da
        import zarr

        array = self.group.get(dataset.path)
        if not isinstance(array, zarr.Array):
            raise FileError(f"The OME-Zarr {self.path} lacks its level {dataset.path}")
        return da.from_zarr(array)

    def _axes(self) -> str:
        """Return a letter for each axis: spatial ones by their order, as their names are free."""
        kinds = [axis.type for axis in self.multiscale.axes]
        space = iter(SPATIAL[-kinds.count("space") :])
        letters = {"time": "T", "channel": "C"}
        named = [str(axis.name)[:1].upper() for axis in self.multiscale.axes]
        return "".join(
            next(space) if kind == "space" else letters.get(str(kind), name)
            for kind, name in zip(kinds, named, strict=True)
        )

    def _arranged(self, array: Any, axes: str) -> tuple[Any, str]:
        """Drop the empty axes of bioformats2raw; restore the order of axes of our own writer."""
        noted = self.group.attrs.get(KEY)
        order = str(noted.get("axes", "")) if isinstance(noted, dict) else ""
        if set(axes) == set(order) <= set(ORDER):
            return restored(array, axes, order), order
        return squeezed(array, axes) if len(axes) == 5 else (array, axes)

    def _sizes(
        self, dataset: Dataset, axes: str
    ) -> tuple[dict[str, tuple[float, str]], dict[str, float]]:
        """Return the size of a voxel with its unit, and the origin, along each axis."""
        scale, start = np.ones(len(axes)), np.zeros(len(axes))
        for each in (
            *dataset.coordinateTransformations,
            *(self.multiscale.coordinateTransformations or ()),
        ):
            factor = np.asarray(getattr(each, "scale", 1.0), float)
            scale, start = scale * factor, start * factor
            start = start + np.asarray(getattr(each, "translation", 0.0), float)
        units = [str(axis.unit or "").lower() for axis in self.multiscale.axes]
        known = [_NAMES.get(unit) or canonical_unit(unit) for unit in units]
        sizes = {
            a: (float(s), u)
            for a, s, u in zip(axes, scale, known, strict=True)
            if u is not None and a in SPATIAL
        }
        return sizes, dict(zip(axes, map(float, start), strict=True))

    def _fields(self, well: str) -> list[str]:
        node = Node.opened(self.path / well) if well else self
        return [str(image["path"]) for image in node.ome.get("well", {}).get("images", ())]

    def _names(self, group: str, key: str) -> list[str]:
        """Return the names that a group in it lists."""
        if not (self.path / group).is_dir():
            return []
        names = Node.opened(self.path / group).ome.get(key)
        return [str(name) for name in names] if isinstance(names, list) else []
