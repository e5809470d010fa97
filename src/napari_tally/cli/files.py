"""The commands about files: `tally info` and `tally convert`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperArgument, TyperCommand

from ..core.errors import InputError, TallyError, sentence

if TYPE_CHECKING:
    from ..core.volume import Volume
    from ..files.formats.series import Series

FAILED = 1

Series_ = Annotated[
    str | None, typer.Option("--series", help="Which image of a file or folder with several.")
]
Axes = Annotated[str | None, typer.Option(help="Axes of the file, such as ZYX, TYX or CYX.")]


class StackAxis(StrEnum):
    """What the files of a folder follow each other along."""

    Z = "Z"
    T = "T"
    C = "C"


class ConvertCommand(TyperCommand):
    """The command that lists, in its help, the suffixes of all formats that are written."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help; the formats are imported only for it."""
        from ..files import written_suffixes

        (out,) = (p for p in self.params if isinstance(p, TyperArgument) and p.name == "target")
        out.help = f"Its suffix chooses the format: {', '.join(written_suffixes())}"
        super().format_help(ctx, formatter)


def info(
    files: Annotated[list[Path], typer.Argument(help="Files, OME-Zarr or folders of DICOM.")],
    series: Series_ = None,
    axes: Axes = None,
) -> None:
    """Show axes, shape, spacing, orientation, channels and series of files."""
    failed = False
    for number, path in enumerate(files):
        if number:
            typer.echo("")
        try:
            for line in described(path, series, axes):
                typer.echo(line)
        except (TallyError, MemoryError) as error:
            typer.echo(f"{path}: {sentence(error)}", err=True)
            failed = True
    if failed:
        raise typer.Exit(FAILED)


def convert(
    sources: Annotated[
        list[Path], typer.Argument(metavar="IN...", help="A file or folder, or files to stack.")
    ],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Its suffix chooses the format.")],
    series: Series_ = None,
    axes: Axes = None,
    spacing: Annotated[str | None, typer.Option(help="Size of a voxel: 0.5,0.1,0.1um.")] = None,
    stack: Annotated[
        StackAxis | None,
        typer.Option(help="Take files, or those of a folder, for slices or channels of one image."),
    ] = None,
    labels: Annotated[
        bool, typer.Option("--labels", help="The numbers are labels, no intensities.")
    ] = False,
    zarr_version: Annotated[
        str | None, typer.Option(help="Version of an OME-Zarr: 0.4 or 0.5.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT.")] = False,
) -> None:
    """Write an image in another format, with what that format can keep of its geometry."""
    from ..files import write

    try:
        if target.exists() and not overwrite:
            raise InputError(
                "A new name is needed for the result", f"{target}", "Or use --overwrite"
            )
        volume = _read(sources, series, axes, spacing, stack, labels)
        write(volume, target, zarr_version=zarr_version)
    except (TallyError, MemoryError) as error:
        typer.echo(f"tally: {sentence(error)}", err=True)
        raise typer.Exit(FAILED) from None
    typer.echo(
        f"{', '.join(map(str, sources))} -> {target}: {_shape(volume)}, {volume.describe_spacing()}"
    )


def described(path: Path, series: str | None = None, axes: str | None = None) -> list[str]:
    """Return what is to be said of a file, a line each.

    Raises
    ------
    TallyError
        If it cannot be read.
    """
    from ..files import format_of, list_series, read

    found = format_of(path.expanduser())
    listed = list_series(path)
    lines = [f"{path}"]
    if found is not None:
        lines.append(f"  format       {found.name}")
    if len(listed) > 1:
        lines += _series_lines(listed)
    try:
        volume = read(path, axes=axes, series=series)
    except InputError:
        if path.is_dir() and len(listed) > 1 and series is None:
            return lines  # which one is for the user to say
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
    return "not known" if unknown else ""


def _shape(volume: Volume) -> str:
    return " x ".join(f"{a} {n}" for a, n in zip(volume.axes, volume.shape, strict=True))


def _read(
    sources: list[Path],
    series: str | None,
    axes: str | None,
    spacing: str | None,
    stack: StackAxis | None,
    labels: bool,
) -> Volume:
    from dataclasses import replace

    from ..core.quantity import parse_quantity
    from ..files import read
    from ..files.stack_files import read_stack

    if stack is not None:
        alone = sources[0] if len(sources) == 1 and sources[0].is_dir() else sources
        volume = read_stack(alone, stack.value, axes=axes)
    elif len(sources) > 1:
        raise InputError(
            "What several files are together is needed", f"{len(sources)} files",
            "--stack C takes them for channels, --stack Z for slices, --stack T for frames",
        )  # fmt: skip
    else:
        volume = read(sources[0], axes=axes, series=series)
    if spacing is not None:
        volume = volume.with_spacing(parse_quantity(spacing))
    if labels:
        volume = replace(volume, is_labels=True)
    return volume
