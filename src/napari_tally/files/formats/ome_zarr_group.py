"""One group of an OME-Zarr hierarchy: its metadata and arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.errors import FileError, InputError
from ...core.quantity import LENGTHS
from ...core.volume import SPATIAL, Volume
from .axis_order import ORDER, given_axes, restored, squeezed
from .guarded import guarded
from .ome_zarr_array import lazy, note_missing, opened_group
from .ome_zarr_metadata import Multiscale, dicts
from .series import Series, place_of
from .voxel_size import Sizes, logger, spacing_of

if TYPE_CHECKING:
    import zarr

    from .ome_zarr_metadata import Level

KEY = "napari-tally"  # of what our own writer notes


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
        from zarr.errors import ContainsArrayError, GroupNotFoundError

        if not path.exists():
            raise FileError(f"There is no Zarr group {path}")
        with guarded(path):
            try:
                return cls(path, opened_group(path))
            except (FileNotFoundError, GroupNotFoundError, ContainsArrayError) as error:
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
            wells = self._wells()
            missing = [well for well in wells if not self._inside(well).is_dir()]
            if missing:
                text = "%s lists %d wells; not there: %d, such as %s."
                logger.warning(text, self.path.name, len(wells), len(missing), missing[0])
            return [Series(f"{w}/{field}", "") for w in wells for field in self._fields(w)]
        if "well" in self.ome:
            return [Series(field, "") for field in self._fields("")]
        if "bioformats2raw.layout" in self.ome:
            numbers = [
                str(n) for n in sorted(int(k) for k in self.group.group_keys() if k.isdigit())
            ]
            return [Series(name, "image") for name in self._names("OME", "series") or numbers]
        if isinstance(self.ome.get("labels"), list):
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
        return self if key == "." else Node.opened(self._inside(key))

    @cached_property
    def multiscale(self) -> Multiscale:
        """The metadata of the image.

        Raises
        ------
        InputError
            If they cannot be understood.
        """
        return Multiscale.of(self.ome, self.path.name)

    @property
    def channels(self) -> list[dict[str, Any]]:
        """The metadata of each channel: label, color, window."""
        omero = self.ome.get("omero")
        return dicts(omero.get("channels")) if isinstance(omero, dict) else []

    def volume(self, level: int, given: str | None = None) -> Volume:
        """Return one level, with other axes than the group's if they are given."""
        dataset, name = self.multiscale.levels[level], self.path.name
        array = self._array(dataset, finest=level == 0)
        axes = own = self._own_axes(array.ndim, given)
        sizes, starts = self.multiscale.sizes(dataset, axes, name)
        if given is not None:
            array, axes = squeezed(array, axes)
            axes = given_axes(given, array.shape, name, axes)
        else:
            array, axes = self._arranged(array, axes)
        if level == 0:
            self._note_units(sizes, own)
        spacing, unit = spacing_of(axes, sizes, name)
        affine = None
        here = [a for a in axes if a in SPATIAL]
        if spacing is not None and any(starts.get(a) for a in here):
            affine = np.diag([*spacing, 1.0])
            affine[:-1, -1] = [starts[a] * LENGTHS[sizes[a][1]] / LENGTHS[unit] for a in here]
        count = array.shape[axes.index("C")] if "C" in axes else 1
        names = tuple(str(channel.get("label") or "") for channel in self.channels)
        fits = len(names) == count and all(names)
        return Volume(
            array, axes, spacing, unit, affine, names if fits else (), name,
            "image-label" in self.ome,
        )  # fmt: skip

    def _array(self, dataset: Level, *, finest: bool) -> Any:
        import zarr

        place = self._inside(dataset.path)
        with guarded(place):
            array = self.group.get(dataset.path)
            if not isinstance(array, zarr.Array):
                raise FileError(f"The OME-Zarr {self.path} lacks its level {dataset.path}")
            if finest and "image-label" not in self.ome:  # labels are empty in many places
                note_missing(array, place)
            return lazy(array, place)

    def _inside(self, key: str) -> Path:
        """Return a path in the folder; names of a file must not lead out of it."""
        if ".." in Path(key).parts or Path(key).is_absolute():
            raise FileError(f"{self.path} names a part outside its folder: {key}")
        return self.path / key

    def _own_axes(self, ndim: int, given: str | None) -> str:
        """Return the axes of the group; those that a user gives if they are not understood."""
        try:
            return self.multiscale.axes_for(ndim, self.path.name)
        except InputError:
            if given is None or len(given.strip()) != ndim:
                raise
            return given.strip().upper()

    def _note_units(self, sizes: Sizes, axes: str) -> None:
        unknown = self.multiscale.unknown_units(axes)
        if unknown:
            text = "%s: the unit %r is not known; read as uncalibrated."
            logger.warning(text, self.path.name, unknown[0])
        elif not sizes:
            logger.warning("%s: no unit of length; read as uncalibrated.", self.path.name)

    def _arranged(self, array: Any, axes: str) -> tuple[Any, str]:
        """Drop the empty axes of bioformats2raw; restore the order of axes of our own writer."""
        noted = self.group.attrs.get(KEY)
        order = str(noted.get("axes", "")) if isinstance(noted, dict) else ""
        if set(axes) == set(order) <= set(ORDER):
            return restored(array, axes, order), order
        if len(axes) == 5:
            array, axes = squeezed(array, axes)
        spatial = iter(a for a in SPATIAL if a in axes)
        order = "".join(next(spatial) if a in SPATIAL else a for a in axes)
        return restored(array, axes, order), order

    def _wells(self) -> list[str]:
        plate = self.ome["plate"]
        wells = dicts(plate.get("wells")) if isinstance(plate, dict) else []
        return [str(well["path"]) for well in wells if "path" in well]

    def _fields(self, well: str) -> list[str]:
        """Return the images of a well that are there: parts of a plate are copied, too."""
        place = self._inside(well) if well else self.path
        if not place.is_dir():
            return []
        noted = (Node.opened(place) if well else self).ome.get("well")
        images = dicts(noted.get("images")) if isinstance(noted, dict) else []
        return [str(each["path"]) for each in images if "path" in each]

    def _names(self, group: str, key: str) -> list[str]:
        """Return the names that a group in it lists."""
        if not (self.path / group).is_dir():
            return []
        names = Node.opened(self.path / group).ome.get(key)
        return [str(name) for name in names] if isinstance(names, list) else []
