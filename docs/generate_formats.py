"""The table of file formats in docs/files.md, from their declarations.

python docs/generate_formats.py
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from napari_tally.files import FORMATS

if TYPE_CHECKING:
    from napari_tally.files.formats.format import Format

HEADER = ("format", "read", "written", "what is kept", "read lazily", "extra", "napari")


def table() -> str:
    """Return the Markdown table of all formats."""
    rows = [HEADER, ("---",) * len(HEADER), *map(row, FORMATS)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows) + "\n"


def row(each: Format) -> tuple[str, ...]:
    """Return the cells of one format."""
    kept = ", ".join(filter(None, ("affine" * each.keeps_affine, each.keeps)))
    return (
        f"{each.name} ({each.kinds})" if each.kinds else each.name,
        _listed(each.suffixes) + (", or a folder of them" if each.slices else ""),
        _listed(each.written) or "no",
        kept,
        each.lazy or "no",
        f"`{each.extra}`" if each.extra else "",
        _napari(each),
    )


def _listed(suffixes: tuple[str, ...]) -> str:
    return f"`{' '.join(suffixes)}`" if suffixes else ""


def _napari(each: Format) -> str:
    verbs = ("reads" if each.napari_reads else "", "writes" if each.napari_writes else "")
    return " and ".join(filter(None, verbs))


if __name__ == "__main__":
    sys.stdout.write(table())
