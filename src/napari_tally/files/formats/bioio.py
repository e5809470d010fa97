"""Microscopy files (CZI, ND2, LIF, ...), read lazily through bioio and its readers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import FileError, InputError
from ...core.volume import AXES, SPATIAL, Volume
from .axis_order import given_axes, squeezed
from .czi_directory import check_czi
from .format import Format
from .guarded import guarded_blocks
from .integrity import check_file
from .series import Series, place_of
from .tiff_write import RGB
from .trial_process import check_decodes
from .voxel_size import Sizes, logger, spacing_of

if TYPE_CHECKING:
    from bioio import BioImage

# The extra installs the readers of these; those of others are installed one by one.
_IN_EXTRA = (".czi", ".nd2", ".lif")
SUFFIXES = (*_IN_EXTRA, ".dv", ".r3d", ".sldy", ".vsi", ".oir", ".oib", ".ims")
_READERS = {".dv": "bioio-dv", ".r3d": "bioio-dv", ".sldy": "bioio-sldy"}


def list_series(path: Path) -> list[Series]:
    """Return the scenes of a file."""
    return [Series(str(number), str(name)) for number, name in enumerate(_opened(path).scenes, 1)]


def read(path: Path, *, axes: str | None = None, series: str | None = None) -> Volume:
    """Read a scene of a file as a Dask array, without axes of length 1.

    Parameters
    ----------
    path : Path
        A file of a microscope for which a reader of bioio is installed.
    axes : str, optional
        Letters of TCZYX to use instead.
    series : str, optional
        Number of the scene, from 1; the first one if not given.

    Raises
    ------
    FileError
        If the file is missing or damaged, or its reader is not installed.
    InputError
        If the axes do not fit, or there is no such scene.
    """
    image = _opened(path)
    listed = [Series(str(number), str(name)) for number, name in enumerate(image.scenes, 1)]
    if not listed:
        raise FileError(f"{path} holds no image")
    place = place_of(listed, series, path.name)
    if series is None and len(listed) > 1:
        logger.warning("%s holds %d images; only number 1 is read.", path.name, len(listed))
    image.set_scene(image.scenes[place])
    array, file_axes = squeezed(guarded_blocks(image.dask_data, path), str(image.dims.order))
    if "S" in file_axes and "C" in file_axes:
        raise InputError(f"{path.name} has both channels and colours ({file_axes})")
    colours = "S" in file_axes
    file_axes = file_axes.replace("S", "C")
    if set(file_axes) - set(AXES):
        raise InputError(f"{path.name} has the axes {file_axes}, but only {AXES} can be read")
    spacing, unit = spacing_of(file_axes, _sizes(image), path.name)
    if axes is not None:
        file_axes = given_axes(axes, array.shape, path.name, file_axes)
        spacing, unit = spacing_of(file_axes, _sizes(image), path.name)
    count = array.shape[file_axes.index("C")] if "C" in file_axes else 1
    names = RGB if colours else tuple(map(str, image.channel_names or ()))
    return Volume(
        array, file_axes, spacing, unit, None, names if len(names) == count else (), path.name
    )


def _sizes(image: BioImage) -> Sizes:
    """Return the size of a voxel along each axis where it is known; bioio gives micrometres.

    Stacks that were taken downwards have a step below 0 in Leica's files.
    """
    sizes: Any = image.physical_pixel_sizes
    given = {axis: getattr(sizes, axis, None) for axis in SPATIAL}
    return {axis: (abs(float(size)), "um") for axis, size in given.items() if size is not None}


def _opened(path: Path) -> BioImage:
    check_file(path)
    suffix = path.suffix.lower()
    if suffix == ".czi":
        check_czi(path)
        check_decodes(path)
    from bioio import BioImage
    from bioio_base.exceptions import UnsupportedFileFormatError

    try:
        image = BioImage(path)
        image.dims  # noqa: B018  (opens the file)
    except (UnsupportedFileFormatError, OSError, ValueError, RuntimeError, ImportError) as error:
        reader = _READERS.get(suffix)
        raise FileError(
            f"{path} is damaged, or no reader of bioio for {suffix} files is installed",
            hint=f"Install {reader or 'one'}: https://github.com/bioio-devs/bioio lists them",
        ) from error
    return image


FORMAT = Format(
    name="microscope",
    kinds="CZI, ND2, LIF and others, through bioio",
    suffixes=SUFFIXES,
    read=read,
    list_series=list_series,
    napari_reads=_IN_EXTRA,
    packages=("bioio",),
    extra="bioio",
    keeps="axes, spacing, channel names",
    lazy="yes",
)
