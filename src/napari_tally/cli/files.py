"""The commands about files: `tally info` and `tally convert`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import InputError
from ..core.failures import Attempt
from ..core.user_path import user_path
from ..files import written_suffixes
from ..files.options import ConvertOptions, ReadOptions
from .command import command
from .run import FAILED, about, failing, say

if TYPE_CHECKING:
    from ..core.volume import Volume
    from ..files.formats.series import Series


@command()
def info(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILES", help="Image files, OME-Zarr or folders of DICOM."),
    ],
    options: ReadOptions,
) -> None:
    """Show axes, shape, voxel size, orientation and channels of files.

    Files and folders with several images are listed by series.

    \b
    Example: tally info scan.nii.gz
    """
    failed = False
    for number, path in enumerate(files):
        if number:
            say("")
        with Attempt(path) as attempt:
            lines = described(path, options.series, options.axes)
        if attempt.error is None:
            say("\n".join(lines))
        else:
            say(about(path, attempt.message), err=True)
            failed = True
    if failed:
        raise typer.Exit(FAILED)


@command()
def convert(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="IN", help="A file or folder, or several files to stack."),
    ],
    target: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help=f"Its suffix chooses the format: {', '.join(written_suffixes())}.",
        ),
    ],
    options: ConvertOptions,
) -> None:
    """Convert an image to another format, with its voxel size.

    Axes, channel names, origin and orientation are kept as far as the format can hold them.

    \b
    Example: tally convert scan-folder scan.nii.gz
    """
    from ..core.atomic import keeping
    from ..core.part_folder import sweep
    from ..files import write
    from ..files.unchanged import unchanged

    with failing():
        place = user_path(target)
        sweep(place.parent)
        others = [s for s in sources if not place.absolute().is_relative_to(s.absolute())]
        with unchanged(*others):
            volume = _read(sources, options)
            with keeping(() if options.overwrite else _files_of(place)):
                write(volume, place, zarr_version=options.zarr_version)
    say(
        f"{', '.join(map(str, sources))} -> {target}: {_shape(volume)}, {volume.describe_spacing()}"
    )


def _files_of(target: Path) -> list[Path]:
    """Return all files that a format may write for a target: MetaImage has its pixels apart."""
    return [target, *(target.with_suffix(suffix) for suffix in (".raw", ".zraw"))]


def described(path: Path, series: str | None = None, axes: str | None = None) -> list[str]:
    """Describe a file, line by line.

    Raises
    ------
    TallyError
        If the file cannot be read.
    """
    from ..files import format_of, list_series, read_header

    file_format = format_of(user_path(path))
    listed = list_series(path)
    lines = [f"{path}"]
    if file_format is not None:
        lines.append(f"  format       {file_format.name}")
    if len(listed) > 1:
        lines += _series_lines(listed)
    try:
        volume = read_header(path, axes=axes, series=series)
    except InputError:
        if path.is_dir() and len(listed) > 1 and series is None:
            return lines  # the user must choose a series
        raise
    return lines + _volume_lines(volume)


def _series_lines(listed: list[Series]) -> list[str]:
    return [f"  series       {each.key:10} {each.text}".rstrip() for each in listed]


def _volume_lines(volume: Volume) -> list[str]:
    from ..geometry.orientation import orientation

    facts = {
        "image": f"{_shape(volume)}, {volume.array.dtype}{', labels' * volume.is_labels}",
        "spacing": volume.describe_spacing(),
        "orientation": _orientation(orientation(volume), volume),
        "channels": ", ".join(volume.channels),
    }
    return [f"  {name:12} {text}" for name, text in facts.items() if text]


def _orientation(letters: str, volume: Volume) -> str:
    if letters:
        return f"{letters} (X, Y, Z of the voxels)"
    unknown = volume.unit == "mm" and volume.affine is None and "Z" in volume.axes
    return "unknown" if unknown else ""


def _shape(volume: Volume) -> str:
    return " x ".join(f"{a} {n}" for a, n in zip(volume.axes, volume.shape, strict=True))


def _read(sources: list[Path], options: ConvertOptions) -> Volume:
    from ..core.quantity import parse_quantity
    from ..files import read
    from ..files.stack_files import read_stack

    if options.stack is not None:
        folder = sources[0] if len(sources) == 1 and sources[0].is_dir() else sources
        volume = read_stack(
            folder,
            options.stack,
            axes=options.axes,
            labels=options.labels,
            resample=options.resample,
        )
    elif len(sources) > 1:
        raise InputError(
            f"Converting {len(sources)} files into one image needs an axis",
            hint="Stack them as channels (--stack C), slices (--stack Z) or frames (--stack T)",
        )
    else:
        volume = read(sources[0], axes=options.axes, series=options.series, labels=options.labels)
    if options.spacing is not None:
        volume = volume.with_spacing(parse_quantity(options.spacing))
    return volume
