"""The files of a Hugging Face model: a folder, or a repository in the cache of its libraries.

In the cache the files of a snapshot are links to blobs. They are followed while they stay in the
folder of the repository.
"""

from __future__ import annotations

from pathlib import Path

from ...core.errors import ModelError
from ...files.run_record import sha256_files
from ...network.runtimes.transformers_config import CONFIG
from ...network.runtimes.transformers_weights import INDEX, PICKLE_INDEX, weight_files

PREPROCESSOR, CARD_FILE = "preprocessor_config.json", "README.md"
TOKENIZER = (
    "vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json",
    "special_tokens_map.json",
)  # fmt: skip
_CACHED = "models--"


def model_snapshot(path: Path) -> Path:
    """Return the folder with `config.json`: this one, or the snapshot of a cached repository.

    Raises
    ------
    ModelError
        If the repository has no snapshot, or several of which none is the main one.
    """
    if path.is_file() and path.name == CONFIG:
        return path.parent
    if not (path / "snapshots").is_dir():
        return path
    main = path / "refs" / "main"
    if main.is_file() and main.stat().st_size < 200:
        named = path / "snapshots" / Path(main.read_text("utf-8", errors="replace").strip()).name
        if (named / CONFIG).is_file():
            return named
    found = [p for p in sorted((path / "snapshots").iterdir()) if (p / CONFIG).is_file()]
    if len(found) == 1:
        return found[0]
    raise ModelError(
        f"{path} has {len(found)} revisions with a {CONFIG}",
        hint="Choose the folder of one in its folder snapshots" if found else "",
    )


def checked_files(folder: Path) -> list[Path]:
    """Return the files of a model that are used, in the order of their names.

    Raises
    ------
    ModelError, FileError
        If weights are missing, or a file is a link out of the folder (of its repository).
    """
    extra = (PREPROCESSOR, CARD_FILE, INDEX, PICKLE_INDEX, *TOKENIZER)
    found = [folder / CONFIG, *weight_files(folder)]
    found += [folder / name for name in extra if (folder / name).is_file()]
    for path in found:
        check_link(path)
    return sorted(set(found))


def check_link(path: Path) -> None:
    """Refuse a link that leads out of the folder of a model.

    Raises
    ------
    ModelError
        If it does.
    """
    root = _repository(path.parent)
    try:
        stays = path.resolve(strict=True).is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # links in a circle
        stays = False
    if not stays:
        raise ModelError(f"{path} is a link out of the folder of the model, and is not followed")


def _repository(folder: Path) -> Path:
    repository = folder.parent.parent
    cached = folder.parent.name == "snapshots" and repository.name.startswith(_CACHED)
    return repository if cached else folder


def model_title(folder: Path) -> str:
    """Return the name of the model: that of its repository, or of its folder."""
    repository = _repository(folder)
    return repository.name.removeprefix(_CACHED).rpartition("--")[2] or "model"


def model_sha256(files: list[Path]) -> str:
    """Return the checksum of a model's files and their names."""
    return sha256_files(files)
