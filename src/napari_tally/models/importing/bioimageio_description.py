"""The parts of a BioImage.IO model description (format 0.4 and 0.5) that are used here.

https://github.com/bioimage-io/spec-bioimage-io
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ...core.errors import ModelError, printable, sentence

_LETTERS = {"b": "batch", "i": "index", "t": "time", "c": "channel"}  # others are of space
_SHORT = {kind: letter for letter, kind in _LETTERS.items()}
READ = ("0.4", "0.5")


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class FileEntry(_Part):
    """A file of the package, and its checksum where it is stated."""

    source: str
    sha256: str | None = None


class Size(_Part):
    """The length of an axis: a multiple of `step` from `min` on, or that of another axis."""

    min: int | None = Field(None, ge=1)
    step: int = Field(0, ge=0)
    tensor_id: str | None = None
    axis_id: str | None = None
    offset: int = 0


class Axis(_Part):
    """An axis of an array."""

    type: str
    id: str = ""
    size: int | Size | None = None
    channel_names: tuple[str, ...] = ()
    halo: int = Field(0, ge=0)
    scale: float = 1.0

    @field_validator("channel_names", mode="before")
    @classmethod
    def _as_text(cls, names: Any) -> Any:
        return [str(name) for name in names] if isinstance(names, list) else names

    @property
    def name(self) -> str:
        """Its id, which is that of its kind if it is not stated; x in space."""
        return self.id or ("x" if self.type == "space" else self.type)

    @property
    def letter(self) -> str:
        """One letter of bitczyx, or "?" for what is none of them."""
        found = _SHORT.get(self.type, self.name.lower())
        return found if found in tuple("bitczyx") else "?"


class Processing(_Part):
    """An operation before or after the network."""

    id: str = ""
    arguments: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("kwargs") is not None:
            return given | {"arguments": given["kwargs"]}
        return given


class TensorEntry(_Part):
    """An input or output."""

    id: str = ""
    description: str = ""
    axes: tuple[Axis, ...] = Field(min_length=1)
    preprocessing: tuple[Processing, ...] = ()
    postprocessing: tuple[Processing, ...] = ()
    test_tensor: FileEntry | None = None
    optional: bool = False

    @field_validator("preprocessing", "postprocessing", mode="before")
    @classmethod
    def _none(cls, given: Any) -> Any:
        return given or ()

    @property
    def order(self) -> str:
        """The letters of its axes: "bcyx"."""
        return "".join(axis.letter for axis in self.axes)

    def axis(self, letter: str) -> Axis | None:
        """Return one of its axes by its letter."""
        return next((axis for axis in self.axes if axis.letter == letter), None)


class Description(_Part):
    """A model."""

    format_version: str
    type: str
    name: str
    id: str = ""
    description: str = ""
    license: str | None = None
    authors: tuple[dict[str, Any], ...] = ()
    cite: tuple[dict[str, Any], ...] = ()
    tags: tuple[str, ...] = ()
    documentation: str | None = None
    inputs: tuple[TensorEntry, ...] = Field(min_length=1)
    outputs: tuple[TensorEntry, ...] = Field(min_length=1)
    weights: dict[str, FileEntry | None]
    training_data: dict[str, Any] | None = None
    config: dict[str, Any] = {}

    @field_validator("authors", "cite", "tags", mode="before")
    @classmethod
    def _absent(cls, given: Any) -> Any:
        return given or ()

    @field_validator("config", mode="before")
    @classmethod
    def _no_config(cls, given: Any) -> Any:
        return given if isinstance(given, dict) else {}

    @field_validator("documentation", mode="before")
    @classmethod
    def _source(cls, given: Any) -> Any:
        return given.get("source") if isinstance(given, dict) else given


def described(content: Any, where: str) -> Description:
    """Return a description of either format.

    Raises
    ------
    ModelError
        If it is none of a model, of another format, or lacks a part.
    """
    if not isinstance(content, dict):
        raise ModelError(f"{where} holds no description")
    kind, version = content.get("type"), str(content.get("format_version"))
    if kind != "model":
        raise ModelError(f"{where} describes no model, but this type: {printable(str(kind))}")
    if not version.startswith(tuple(f"{known}." for known in READ)):
        raise ModelError(
            f"{where} has the format {printable(version)}, but {' and '.join(READ)} are read"
        )
    try:
        return Description.model_validate(_of_04(content) if version.startswith("0.4") else content)
    except ValidationError as error:
        raise ModelError(f"{where} is not valid: {sentence(error).rstrip('.')}") from None
    except (AttributeError, TypeError, IndexError) as error:  # of `_of_04`
        raise ModelError(f"{where} is not valid: {error}") from error


def file_name(source: str) -> str:
    """Return the name of a file in a package, whose source may be an address."""
    return PurePosixPath(source.partition("?")[0].replace("\\", "/")).name


def _of_04(content: dict[str, Any]) -> dict[str, Any]:
    """Return a description of format 0.4 in the form of 0.5."""
    tests = {side: content.get(f"test_{side}") or () for side in ("inputs", "outputs")}
    return content | {
        side: [
            _tensor_of_04(given, tests[side][number : number + 1])
            for number, given in enumerate(content[side])
        ]
        for side in tests
        if isinstance(content.get(side), list)
    }


def _tensor_of_04(given: dict[str, Any], test: Iterable[Any]) -> dict[str, Any]:
    letters = given["axes"]
    if not isinstance(letters, str):
        letters = "".join(_SHORT.get(name, name) for name in letters)
    axes = [{"type": _LETTERS.get(letter, "space"), "id": letter} for letter in letters]
    _put_sizes(axes, given.get("shape"))
    for axis, halo in zip(axes, given.get("halo") or (), strict=False):
        axis["halo"] = halo
    for axis, kind in zip(axes, letters, strict=True):
        axis["id"] = _LETTERS.get(kind, kind)
    sources = [t if isinstance(t, dict) else {"source": str(t)} for t in test]
    return {
        "id": given.get("name", ""),
        "description": given.get("description") or "",
        "axes": axes,
        "test_tensor": sources[0] if sources else None,
        "preprocessing": [_processing_of_04(p) for p in given.get("preprocessing") or ()],
        "postprocessing": [_processing_of_04(p) for p in given.get("postprocessing") or ()],
    }


def _put_sizes(axes: list[dict[str, Any]], shape: Any) -> None:
    if isinstance(shape, list):
        for axis, size in zip(axes, shape, strict=False):
            axis["size"] = size or None
    elif isinstance(shape, dict) and "min" in shape:
        for axis, least, step in zip(axes, shape["min"], shape["step"], strict=False):
            axis["size"] = {"min": least, "step": step}
    elif isinstance(shape, dict):
        reference = shape.get("reference_tensor")
        rows = zip(axes, shape.get("scale") or (), shape.get("offset") or (), strict=False)
        for axis, scale, offset in rows:
            name = _LETTERS.get(axis["id"], axis["id"])
            axis["scale"] = 1 / scale if scale else 1.0
            # An axis that the reference lacks has half its length in `offset`.
            axis["size"] = (
                {"tensor_id": reference, "axis_id": name, "offset": int(2 * offset)}
                if scale
                else int(2 * offset)
            )


def _processing_of_04(given: dict[str, Any]) -> dict[str, Any]:
    return {"id": given.get("name") or given.get("id") or "", "kwargs": given.get("kwargs") or {}}
