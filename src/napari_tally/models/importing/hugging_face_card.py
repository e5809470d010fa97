"""What the card of a Hugging Face model says in its first lines: licence and data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_LONGEST = 2**20  # bytes
_HEADER = re.compile(r"\A---\s*\n(.*?)\n---\s*\n", re.DOTALL)
_LINE = re.compile(r"^(\w+):[ \t]*(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class ModelCard:
    """The card of a model.

    Attributes
    ----------
    text : str
        Markdown, without its header.
    licence : str
        As the card names it; "" if it does not.
    datasets : tuple of str
        The data on which it was trained.
    """

    text: str = ""
    licence: str = ""
    datasets: tuple[str, ...] = ()


def read_model_card(path: Path) -> ModelCard:
    """Read a card; an empty one if there is none."""
    if not path.is_file():
        return ModelCard()
    with path.open("rb") as file:
        text = file.read(_LONGEST).decode("utf-8", errors="replace").replace("\r\n", "\n")
    header = _HEADER.match(text)
    if header is None:
        return ModelCard(text)
    fields = {name: _plain(value) for name, value in _LINE.findall(header[1])}
    licence = fields.get("license", "")
    named = fields.get("license_name", "")
    return ModelCard(
        text[header.end() :],
        named or licence if licence in ("other", "") else licence,
        _listed(header[1], "datasets"),
    )


def _plain(value: str) -> str:
    return value.split(" #")[0].strip().strip("\"'")


def _listed(header: str, name: str) -> tuple[str, ...]:
    """Return the values of a YAML list, written as `[a, b]`, as lines `- a`, or as one word."""
    found = re.search(rf"^{name}:[ \t]*(.*)((?:\n[ \t]*- .*)*)", header, re.MULTILINE)
    if found is None:
        return ()
    lines = [line.strip().removeprefix("- ") for line in found[2].splitlines()]
    inline = found[1].strip().strip("[]").split(",")
    return tuple(word for word in map(_plain, [*inline, *lines]) if word)
