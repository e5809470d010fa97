"""Read YAML of others as plain values: no objects, no anchors, of limited size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...core.errors import FileError, ModelError, printable

_LONGEST = 2**20  # bytes


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML file.

    Raises
    ------
    ModelError
        If it is damaged, too large, or more than plain values.
    """
    import yaml

    class Plain(yaml.SafeLoader):
        """Refuses aliases: a few of them can stand for billions of values."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.events.AliasEvent):
                raise yaml.YAMLError("it has aliases, which are not read")
            return super().compose_node(parent, index)

    try:
        if path.stat().st_size > _LONGEST:
            raise ModelError(f"{path} has {path.stat().st_size:,} bytes, which is no description")
        return yaml.load(path.read_text("utf-8"), Loader=Plain)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error
    except RecursionError:
        raise ModelError(f"{path} is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise ModelError(f"{path} is not UTF-8: {error.reason}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ModelError(f"{path} is not valid YAML: {printable(str(error))}") from None
