"""Read the configuration of a MONAI bundle: references are looked up, nothing is evaluated."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ...core.errors import FileError, ModelError, printable
from ..weights import inside
from .monai_expressions import translated
from .plain_yaml import read_yaml

CONFIGS = Path("configs")
_NAMES = ("inference.json", "inference.yaml", "inference.yml")
_LONGEST = 2**20  # bytes
_MOST = 20_000  # values that references may expand to
_SEPARATOR = re.compile(r"#|::")


class Config:
    """The content of `configs/inference.json` or `.yaml`, whose values are looked up by key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = inference_file(folder)
        self.content = read_mapping(self.path)
        self._values = 0

    def has(self, key: str) -> bool:
        """Return whether there is such a key at the top."""
        return key in self.content

    def raw(self, key: str) -> Any:
        """Return the value of a key such as "a#b#0" as it is written.

        Raises
        ------
        ModelError
            If there is none.
        """
        value: Any = self.content
        for part in _SEPARATOR.split(key):
            if isinstance(value, str) and value[:1] in ("%", "@"):
                value = self.resolved(value, (key,))
            value = _found(value, part, self.path)
        return value

    def value(self, key: str) -> Any:
        """Return the value of a key, without references."""
        return self.resolved(self.raw(key), (key,))

    def resolved(self, value: Any, seen: tuple[str, ...] = ()) -> Any:
        """Return a value in which references, macros and expressions are replaced by values.

        Raises
        ------
        ModelError
            If it holds an expression that is none of a few forms, or refers to itself.
        """
        self._values += 1
        if self._values > _MOST or len(seen) > 64:
            raise ModelError(f"The references in {self.path} expand to too many values")
        if isinstance(value, dict):
            return {k: self.resolved(v, (*seen, "")) for k, v in value.items()}
        if isinstance(value, list):
            return [self.resolved(v, (*seen, "")) for v in value]
        if not isinstance(value, str) or value[:1] not in "@$%" or not value:
            return value
        if value[0] == "$":
            return translated(value[1:], lambda key: self._referred(key, seen), self.path)
        if value[0] == "@":
            return self._referred(value[1:], seen)
        return self.resolved(self._macro(value[1:]), (*seen, value))

    def _referred(self, key: str, seen: tuple[str, ...]) -> Any:
        key = key.replace("::", "#")
        if key in seen:
            raise ModelError(f"@{printable(key)} in {self.path} refers to itself")
        return self.resolved(self.raw(key), (*seen, key))

    def _macro(self, text: str) -> Any:
        """Return what `%file#key` or `%key` stands for; only files in the bundle are read."""
        file, separator, key = text.partition("#")
        if not re.search(r"\.(json|yaml|yml)$", file):
            return self.raw(text)
        bases = (self.folder, self.path.parent)
        path = next((p for base in bases if (p := base / file).is_file()), None)
        if path is None or not path.resolve().is_relative_to(self.folder.resolve()):
            raise ModelError(f"{self.path} refers to {printable(file)}, which is not in the bundle")
        content = read_mapping(path)
        return _found(content, key, path) if separator else content


def inference_file(folder: Path) -> Path:
    """Return the path of the configuration for inference.

    Raises
    ------
    ModelError
        If there is none.
    """
    for name in _NAMES:
        if (folder / CONFIGS / name).is_file():
            return inside(folder, CONFIGS / name)
    raise ModelError(
        f"{folder} has no configs/inference.json or .yaml, so its network is not known",
        hint="Give the folder of a whole MONAI bundle",
    )


def read_mapping(path: Path) -> dict[str, Any]:
    """Return the content of a JSON or YAML file that holds an object.

    Raises
    ------
    ModelError
        If it is damaged, too large, or another value.
    """
    content = read_yaml(path) if path.suffix != ".json" else _read_json(path)
    if not isinstance(content, dict):
        raise ModelError(f"{path} must hold an object, not a {type(content).__name__}")
    return content


def _read_json(path: Path) -> Any:
    try:
        if path.stat().st_size > _LONGEST:
            raise ModelError(f"{path} has {path.stat().st_size:,} bytes, which is no description")
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error
    except RecursionError:
        raise ModelError(f"{path} is nested too deeply") from None
    except ValueError as error:
        raise ModelError(f"{path} is not valid JSON: {error}") from error


def _found(content: Any, key: str, path: Path) -> Any:
    for part in _SEPARATOR.split(key):
        if isinstance(content, dict) and part in content:
            content = content[part]
        elif isinstance(content, list) and part.isdecimal() and int(part) < len(content):
            content = content[int(part)]
        else:
            raise ModelError(f"{path} has no value {printable(key)}")
    return content
