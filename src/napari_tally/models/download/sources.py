"""What a source has: the Hugging Face hub, the BioImage.IO collection, or an address."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit

from ...core.checked_options import checked
from ...core.errors import FileError, InputError, ModelError, printable
from ..importing.bioimageio_description import Description, FileEntry, described, file_name
from ..importing.plain_yaml import read_yaml
from .download import Download
from .web import check_address, opened, read_json, read_text

HUB, COLLECTION = "TALLY_HUB", "TALLY_BIOIMAGEIO"
_HUB = "https://huggingface.co"
_COLLECTION = "https://hypha.aicell.io/bioimage-io/artifacts"
_HF = re.compile(
    r"hf:(?P<owner>\w[\w.-]*)/(?P<name>\w[\w.-]*)(?:/(?P<file>\w[\w./+-]*))?"
    r"(?:@(?P<revision>[\w./-]+))?"
)
_BIOIMAGEIO = re.compile(r"bioimageio:(?P<id>\w[\w.-]*(?:/\w[\w.-]*)?)")
_DESCRIPTION = "rdf.yaml"
# Files of the formats that are read, by their path in a repository. Pickles are none of them.
_WANTED = re.compile(
    r"""config\.json|preprocessor_config\.json|model\.safetensors|model-\d+-of-\d+\.safetensors
    |model\.safetensors\.index\.json|rdf\.yaml|bioimageio\.yaml|[^/]+\.(onnx|npy)
    |README\.md|LICENSE(\.\w+)?|plans\.json|dataset\.json|fold_\w+/checkpoint_final\.pth
    |configs/[^/]+\.json|models/model\.(pt|safetensors)|docs/[^/]+\.(md|txt)""",
    re.VERBOSE,
)
_MODEL = re.compile(r".*\.(safetensors|onnx|pth)|models/model\.pt")


def look_up(source: str) -> Download:
    """Return what a source has, with sizes, checksums and licence; no model is downloaded.

    Parameters
    ----------
    source : str
        "hf:OWNER/NAME[/FILE][@REVISION]", "bioimageio:ID" or "https://..." (with "#sha256=..." to
        state the checksum).

    Raises
    ------
    InputError
        If it is written in another way.
    FileError, ModelError
        If the server has no such model, or none that can be read.
    """
    if found := _HF.fullmatch(source):
        return _hub(source, **found.groupdict())
    if found := _BIOIMAGEIO.fullmatch(source):
        return _collection(source, found["id"])
    if source.startswith(("https:", "http:")):
        return _address(source)
    raise InputError(
        f"{printable(source)} is no source of models",
        hint="Write hf:OWNER/NAME, bioimageio:ID or https://...",
    )


def _hub(source: str, owner: str, name: str, file: str | None, revision: str | None) -> Download:
    base = os.environ.get(HUB, _HUB).rstrip("/")
    at = quote(revision or "main", safe="")
    found = read_json(f"{base}/api/models/{owner}/{name}/revision/{at}?blobs=true")
    listed = [each for each in found.get("siblings") or () if isinstance(each, dict)]
    wanted = [each for each in listed if _is_wanted(str(each.get("rfilename", "")), file)]
    if not any(_MODEL.fullmatch(str(each["rfilename"])) for each in wanted):
        names = ", ".join(printable(str(each.get("rfilename"))) for each in listed[:8])
        raise ModelError(
            f"{owner}/{name} has no {file or 'model in a format that is read'}, only {names}",
            hint="Weights must be safetensors or ONNX",
        )
    commit = str(found.get("sha") or at)
    at = f"{base}/{owner}/{name}/resolve/{quote(commit, safe='')}"
    card = found.get("cardData") or {}
    return checked(
        Download,
        {
            "source": source,
            "title": f"{owner}/{name}",
            "licence": _licence(card.get("license") if isinstance(card, dict) else None),
            "revision": commit,
            "items": [_hub_item(each, at) for each in wanted],
            "start": file or "",
        },
    )


def _is_wanted(name: str, file: str | None) -> bool:
    return name == file if file else bool(_WANTED.fullmatch(name))


def _hub_item(entry: dict[str, Any], at: str) -> dict[str, Any]:
    name, lfs = str(entry["rfilename"]), entry.get("lfs") or {}
    return {
        "name": name,
        "address": f"{at}/{quote(name)}",
        "size": lfs.get("size", entry.get("size")),
        "sha256": str(lfs.get("sha256") or ""),
        "git_sha1": "" if lfs else str(entry.get("blobId") or ""),
    }


def _licence(given: Any) -> str:
    return printable(", ".join(map(str, given)) if isinstance(given, list) else str(given or ""))


def _collection(source: str, model: str) -> Download:
    base = os.environ.get(COLLECTION, _COLLECTION).rstrip("/")
    at = f"{base}/{quote(model)}/files/"
    text = read_text(f"{at}{_DESCRIPTION}")
    with tempfile.TemporaryDirectory(prefix="napari-tally-") as folder:
        path = Path(folder) / _DESCRIPTION
        path.write_text(text, "utf-8")
        found = described(read_yaml(path), f"The description of {model}")
    own = {"sha256": hashlib.sha256(text.encode()).hexdigest(), "size": len(text.encode())}
    items: list[dict[str, Any]] = [{"name": _DESCRIPTION, "address": f"{at}{_DESCRIPTION}", **own}]
    for name, entry in _files_of(found).items():
        address = entry.source if "://" in entry.source else urljoin(at, quote(entry.source))
        item = {"name": name, "address": check_address(address), "sha256": entry.sha256 or ""}
        items.append(item | {"size": _size(address)})
    return checked(
        Download,
        {"source": source, "title": found.name, "licence": found.license or "", "items": items},
    )


def _files_of(found: Description) -> dict[str, FileEntry]:
    """Return the files of a model that are read, by name: one kind of weights, tests, texts."""
    entries = list(_entries(found))
    return {file_name(entry.source): entry for entry in entries}


def _entries(found: Description) -> Iterator[FileEntry]:
    kinds = [kind for kind in ("onnx", "torchscript") if found.weights.get(kind)]
    if not kinds:
        has = ", ".join(printable(kind) for kind in found.weights) or "no weights"
        raise ModelError(
            f"{found.name} has {has}, but only ONNX and TorchScript are read",
            hint="Ask its authors for ONNX weights",
        )
    weights = found.weights[kinds[0]]
    assert weights is not None
    yield weights
    for tensor in (*found.inputs, *found.outputs):
        if tensor.test_tensor is not None:
            yield tensor.test_tensor
    if found.documentation:
        yield FileEntry(source=found.documentation)


def _size(address: str) -> int | None:
    """Return the bytes of a file, None if the server does not state them."""
    try:
        with opened(address, {"Range": "bytes=0-0"}) as response:
            total = (response.headers.get("Content-Range") or "").rpartition("/")[2]
            total = total or response.headers.get("Content-Length") or ""
            partial = response.status == 206
    except FileError as error:
        raise FileError(f"A file of the model cannot be had: {error}") from error
    if not partial and not total:
        return None
    return int(total) if total.isdigit() else None


def _address(source: str) -> Download:
    address, _, fragment = source.partition("#")
    name = PurePosixPath(unquote(urlsplit(check_address(address)).path)).name
    if not name or "." not in name:
        raise InputError(
            f"{printable(address)} does not end in the name of a file",
            hint="Such as .../model.onnx",
        )
    key, _, stated = fragment.partition("=")
    if fragment and (key != "sha256" or not re.fullmatch(r"[0-9a-fA-F]{64}", stated)):
        raise InputError(f"#{printable(fragment)} is no checksum", hint="Write #sha256=...")
    item = {"name": name, "address": address, "size": _size(address), "sha256": stated}
    return checked(
        Download, {"source": source, "title": printable(name), "items": [item], "start": name}
    )
