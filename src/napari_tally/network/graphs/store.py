"""Where graphs are stored: in the package, and in the user's cache folder."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
from pydantic import ValidationError

from ...core.atomic import replacing
from ...core.errors import TallyError

if TYPE_CHECKING:
    from torch import nn

    from ..architectures import Architecture
    from .graph import Graph

STORED = Path(__file__).with_name("stored")  # of the built-in models
_VERSION = 1  # of the format
logger = logging.getLogger("napari_tally")


def cache_folder() -> Path:
    """Return the folder for graphs of other networks than those of the built-in models."""
    return Path(platformdirs.user_cache_dir("napari-tally", appauthor=False)) / "graphs"


def stored_graph(architecture: Architecture) -> Graph | None:
    """Return the stored graph of an architecture, if there is one."""
    from .graph import Graph

    for folder in (STORED, cache_folder()):
        path = folder / file_name(architecture)
        try:
            return Graph.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            continue
        except (OSError, ValidationError) as error:
            logger.debug("%s is ignored: %s", path, error)
    return None


def store_graph(
    architecture: Architecture, network: nn.Module, folder: Path | None = None
) -> Graph | None:
    """Trace the network of an architecture and store its graph; None if it has none.

    The graph is stored in the cache folder, if that can be written.
    """
    import torch

    from .trace import NoGraphError, traced

    size = architecture.fit((2 * architecture.stride,) * architecture.spatial_dims)
    try:
        graph = traced(network, torch.rand(1, architecture.in_channels, *size))
    except NoGraphError as error:
        logger.debug("No graph is stored: %s", error)
        return None
    target = (folder or cache_folder()) / file_name(architecture)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as path:
            path.write_text(graph.model_dump_json(), "utf-8")
    except (OSError, TallyError) as error:
        logger.debug("The graph is not stored in %s: %s", target, error)
    return graph


def file_name(architecture: Architecture) -> str:
    """Return the name of the file of a graph."""
    text = json.dumps([_VERSION, architecture.definition()], sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{architecture.name}-{architecture.spatial_dims}d-{digest}.json"
