"""The model card of an imported BioImage.IO model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...core.errors import printable
from .bioimageio_description import file_name

if TYPE_CHECKING:
    from .bioimageio_description import Description
    from .package_files import Package

_LONGEST = 2**20  # bytes of a documentation


def card(found: Description, package: Package) -> str:
    """Return name, description, authors, licence, citations and documentation as Markdown."""
    return "\n\n".join([*_head(found), _documentation(found, package)]).rstrip() + "\n"


def _head(found: Description) -> Iterator[str]:
    yield f"# {printable(found.name)}"
    yield printable(found.description, 2000)
    authors = ", ".join(printable(str(a.get("name", ""))) for a in found.authors)
    lines = {
        "Authors": authors,
        "Licence": printable(found.license or "not stated"),
        "BioImage.IO": printable(found.id),
        "Training data": printable(str((found.training_data or {}).get("id", ""))),
        "Cite": "; ".join(_citation(each) for each in found.cite),
    }
    yield "\n".join(f"- {key}: {value}" for key, value in lines.items() if value)


def _citation(cite: dict[str, Any]) -> str:
    where = cite.get("doi") or cite.get("url") or ""
    return printable(f"{cite.get('text', '')} {where}".strip(), 500)


def _documentation(found: Description, package: Package) -> str:
    path = package.file(file_name(found.documentation)) if found.documentation else None
    if path is None or path.stat().st_size > _LONGEST:
        return ""
    return path.read_text("utf-8", errors="backslashreplace")
