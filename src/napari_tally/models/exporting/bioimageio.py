"""Export a model as a BioImage.IO package (format 0.5): ONNX weights and test tensors.

https://github.com/bioimage-io/spec-bioimage-io
"""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.atomic import replacing_all
from ...core.errors import ModelError, OutputExistsError
from ...files.run_record import sha256_file
from ...network.runtimes import Onnx
from ...network.runtimes.runtime import reordered
from ..bundle import BLOCK, read_card
from .bioimageio_steps import post_steps, pre_steps
from .onnx import export_onnx

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..bundle import Model

FORMAT_VERSION = "0.5.4"
WEIGHTS, CARD, DESCRIPTION = "weights.onnx", "README.md", "rdf.yaml"
_TESTS = {"image": "test_input.npy", "maps": "test_output.npy"}


def export_bioimageio(model: Model, target: Path) -> Path:
    """Write a model as a folder, or as a .zip if `target` ends so; return its path.

    Importing it again gives the same model: its head and preprocessing are in the description,
    where other programs ignore them.

    Raises
    ------
    ModelError
        If the model returns masks, or its network cannot be written as ONNX.
    OutputExistsError
        If the target exists.
    """
    if target.exists():
        raise OutputExistsError(f"{target} exists", hint="Choose a new name")
    if model.info.finds_masks:
        raise ModelError(
            f"{model.info.name} returns masks or boxes, for which BioImage.IO has no form",
            hint="Export it as onnx",
        )
    zipped = target.suffix.lower() == ".zip"
    with replacing_all(target) as part:
        folder = part.with_suffix("") if zipped else part
        folder.mkdir()
        _write(model, folder)
        if zipped:
            _pack(folder, part)
            shutil.rmtree(folder)
    return target


def _write(model: Model, folder: Path) -> None:
    """Write all files of a package."""
    export_onnx(model, folder / WEIGHTS)
    for beside in folder.glob("*.npy"):  # of normalized images; those of a package are raw
        beside.unlink()
    card = read_card(model.folder) or f"# {model.info.name}\n\n{model.info.description}\n"
    (folder / CARD).write_text(card, "utf-8")
    output = _write_tests(model, folder)
    described = _described(model, folder, output)
    (folder / DESCRIPTION).write_text(
        # JSON is YAML, and its numbers and texts mean the same everywhere.
        json.dumps(described, indent=2, ensure_ascii=False) + "\n",
        "utf-8",
    )


def _write_tests(model: Model, folder: Path) -> str:
    """Write a raw image and what the package makes of it; return the name of the output."""
    import torch

    info = model.info
    image = _test_image(model)
    prepared = info.preprocessing.normalizer(image)
    runtime = info.runtime or Onnx(spatial_dims=model.spatial_dims)
    session = runtime.session(folder / WEIGHTS, torch.device("cpu"))
    outputs = runtime.finished(session)(prepared)
    own = info.reading.outputs if info.reading is not None else ()
    name = own[0] if own else next(iter(outputs))
    _save(folder / _TESTS["image"], image, _input_order(model))
    _save(folder / _TESTS["maps"], outputs[name][0], _output_order(model, name))
    return name


def _save(path: Path, array: NDArray[Any], order: str) -> None:
    usual = "czyx" if array.ndim == 4 else "cyx"
    np.save(path, reordered(array.astype(np.float32), usual, order)[None])


def _test_image(model: Model) -> NDArray[np.float32]:
    """Return an image (C, *spatial) of values from 0 to 255, with the texture of blobs."""
    from scipy.ndimage import gaussian_filter

    ndim, stride = model.spatial_dims, model.stride
    size = model.info.runtime.size if model.info.runtime is not None else ()
    shape = size or tuple(_least(model) + stride * n for n in range(ndim))
    noise = np.random.default_rng(0).normal(size=(len(model.info.preprocessing.channels), *shape))
    smooth = gaussian_filter(noise, (0, *(2,) * ndim))
    scaled = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    image: NDArray[np.float32] = np.rint(255 * scaled).astype(np.float32)
    return image


def _described(model: Model, folder: Path, output: str) -> dict[str, Any]:
    """Return the description of a package whose other files are there."""
    info = model.info
    letters = "zyx"[-model.spatial_dims :]
    names = _names(model, folder)
    maps = {a: {"size": {"tensor_id": "image", "axis_id": a}} for a in letters}
    halo = info.preprocessing.tiling.halo
    block = info.model_dump(mode="json")
    return {
        "format_version": FORMAT_VERSION,
        "type": "model",
        "name": "".join(c if c.isalnum() or c in "_+- ()" else "-" for c in info.name)[:128],
        "description": info.description[:1024] or info.name,
        "version": info.version,
        "authors": [{"name": "unknown" if info.source else "napari-tally contributors"}],
        "license": info.licence,
        "documentation": CARD,
        "tags": ["segmentation", f"{model.spatial_dims}d", info.head.name],
        "inputs": [
            {
                "id": "image",
                "axes": _axes(_input_order(model), list(info.preprocessing.channels), {
                    a: {"size": _length(model, i)} for i, a in enumerate(letters)
                }),
                "test_tensor": _entry(folder / _TESTS["image"]),
                "preprocessing": pre_steps(info.preprocessing, letters),
            }
        ],
        "outputs": [
            {
                "id": "maps",
                "axes": _axes(_output_order(model, output), names, {
                    a: axis | {"halo": halo} for a, axis in maps.items()
                }),
                "test_tensor": _entry(folder / _TESTS["maps"]),
                "postprocessing": post_steps(info.runtime.after.get(output, ()), letters)
                if info.runtime is not None else [],
            }
        ],
        "weights": {"onnx": _entry(folder / WEIGHTS) | {"opset_version": _opset(folder / WEIGHTS)}},
        "config": {BLOCK: block},
    }  # fmt: skip


def _names(model: Model, folder: Path) -> list[str]:
    """Return the names of the output channels."""
    own = model.info.head.channel_names(model.spatial_dims)
    count = np.load(folder / _TESTS["maps"]).shape[1]
    if model.info.runtime is None or len(own) == count:
        return list(own)
    return [f"channel{i}" for i in range(count)]


def _axes(
    order: str, channels: list[str], space: dict[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    names = [name.replace(" ", "_") for name in channels]
    unique = names if len(set(names)) == len(names) else [f"{n}{i}" for i, n in enumerate(names)]
    found: list[dict[str, Any]] = [{"type": "batch"}]
    for letter in order:
        if letter == "c":
            found.append({"type": "channel", "channel_names": unique})
        else:
            found.append({"type": "space", "id": letter, **space[letter]})
    return found


def _length(model: Model, axis: int) -> Any:
    size = model.info.runtime.size if model.info.runtime is not None else ()
    return size[axis] if size else {"min": _least(model), "step": model.stride}


def _least(model: Model) -> int:
    """Return the least length of an input of which the halo leaves something, px."""
    return model.stride * (2 * model.info.preprocessing.tiling.halo // model.stride + 1)


def _input_order(model: Model) -> str:
    own = model.info.runtime.input_axes if model.info.runtime is not None else ""
    return own or _usual(model)


def _output_order(model: Model, name: str) -> str:
    runtime = model.info.runtime
    return (runtime.output_axes.get(name) if runtime is not None else "") or _usual(model)


def _usual(model: Model) -> str:
    return "czyx" if model.spatial_dims == 3 else "cyx"


def _opset(path: Path) -> int:
    import onnx

    return int(onnx.load(path, load_external_data=False).opset_import[0].version)


def _entry(path: Path) -> dict[str, Any]:
    return {"source": path.name, "sha256": sha256_file(path)}


def _pack(folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
