"""Import models of BioImage.IO: a folder or .zip with `rdf.yaml` or `bioimageio.yaml`."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import ModelError, printable
from ...files.run_record import sha256_file
from ...network.normalize import Operations
from ...network.runtimes import Onnx, Runtime, TorchScript
from ...network.tile_layout import Tiling
from ..bundle import BLOCK
from ..model_info import ModelInfo, Source
from ..preprocessing import DiameterRange, Preprocessing
from ..trust import check_trusted
from ..user_models import as_name
from .bioimageio_card import card
from .bioimageio_description import described, file_name
from .bioimageio_input import InputImage, input_image
from .bioimageio_operations import operations
from .bioimageio_outputs import Meaning, chosen_output, meaning
from .onnx_ours import completed
from .package_files import checked_file, opened
from .plain_yaml import read_yaml
from .proposal import ImportSettings, Proposal
from .test_tensors import check_agreement, read_tensor

if TYPE_CHECKING:
    from .bioimageio_description import Description, TensorEntry
    from .package_files import Package

FORMAT = "BioImage.IO (folder or .zip with rdf.yaml)"
DESCRIPTIONS = ("rdf.yaml", "bioimageio.yaml")
_RUNTIMES: dict[str, type[Runtime]] = {"onnx": Onnx, "torchscript": TorchScript}
_CODE = {
    "pytorch_state_dict": "PyTorch weights whose network is Python code",
    "keras_hdf5": "Keras weights", "keras_v3": "Keras weights",
    "tensorflow_js": "TensorFlow weights", "tensorflow_saved_model_bundle": "TensorFlow weights",
}  # fmt: skip
_HALO = 64  # px


def recognizes(path: Path) -> bool:
    """Return whether a folder or .zip has a description of BioImage.IO."""
    if path.is_dir():
        return any((path / name).is_file() for name in DESCRIPTIONS)
    if path.suffix.lower() == ".zip" and zipfile.is_zipfile(path):
        return any(name in DESCRIPTIONS for name in opened(path).names())
    return path.name in DESCRIPTIONS


def propose(path: Path, settings: ImportSettings) -> Proposal:
    """Read the description, and check the network with its own test tensors.

    Raises
    ------
    ModelError, FileError
        If it cannot be used.
    """
    package = opened(path.parent if path.name in DESCRIPTIONS else path)
    name = next(name for name in DESCRIPTIONS if name in package.names())
    found = described(read_yaml(checked_file(package, name, None)), f"{package.path}/{name}")
    image = input_image(found)
    weights, file = _weights(found, package, settings)
    runtime = _RUNTIMES[weights].model_validate(
        {
            "spatial_dims": image.spatial_dims,
            "in_channels": len(image.channels),
            "size": image.size,
            "multiple": image.multiple,
            "input_axes": image.order,
        }
    )
    preprocessing = _preprocessing(found, image, settings)
    test = _tensor(package, image.entry)
    network_input = _example(preprocessing, image, test)
    session = _session(runtime, file)
    names = list(runtime.finished(session)(network_input))
    number = chosen_output(found, names, settings)
    entry, output = found.outputs[number], names[min(number, len(names) - 1)]
    runtime = _finished(runtime, entry, output)
    values = runtime.finished(session)(network_input)[output][0]
    expected = _tensor(package, entry)
    checks = (
        [check_agreement(values, expected, found.name)]
        if test is not None and expected is not None
        else []
    )
    source = Source(
        format="BioImage.IO",
        location=found.id or package.path.name,
        sha256=sha256_file(file),
        trained_on=_trained_on(found),
    )
    block = found.config.get(BLOCK)
    if block is not None:
        info = completed(block, runtime, name, settings).model_copy(update={"source": source})
        understood = [f"A model of napari-tally with the head {info.head.name}"]
        warnings: tuple[str, ...] = ()
    else:
        what = meaning(found, entry, output, values, settings)
        info = _info(found, runtime, preprocessing, what, settings, source)
        several = len(found.outputs) > 1
        chosen = [f"Of its {len(found.outputs)} outputs, {entry.id or output} is used"] * several
        understood, warnings = [*chosen, what.sentence], what.warnings

    def write(folder: Path) -> None:
        target = folder / runtime.file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(checked_file(package, file.name, None), target)

    unchecked = () if checks else ("It has no test tensors: its output was not checked",)
    return Proposal(
        info,
        (image.sentence, *understood, *checks),
        write,
        (*warnings, *unchecked),
        card(found, package),
    )


def _weights(found: Description, package: Package, settings: ImportSettings) -> tuple[str, Path]:
    """Return the kind and file of the weights to use: ONNX first."""
    there = {key: entry for key, entry in found.weights.items() if entry is not None}
    usable = [key for key in _RUNTIMES if key in there]
    if not usable:
        others = ", ".join(dict.fromkeys(_CODE.get(key, printable(key)) for key in there))
        raise ModelError(
            f"{found.name} has only {others or 'no weights'}, which are not read",
            hint="Ask its authors for ONNX weights",
        )
    files = {key: file_name(there[key].source) for key in usable}
    present = [key for key in usable if package.file(files[key]) is not None]
    if not present:
        raise ModelError(
            f"{package.path} lacks its weights {files[usable[0]]}",
            hint="Get the whole package, such as with: tally models get bioimageio:ID",
        )
    key = present[0]
    file = checked_file(package, files[key], there[key].sha256)
    kind = _RUNTIMES[key]
    if kind.runs_code:
        check_trusted(file, kind.what, trusting=settings.trust)
    return key, file


def _preprocessing(
    found: Description, image: InputImage, settings: ImportSettings
) -> Preprocessing:
    halos = [axis.halo for entry in found.outputs for axis in entry.axes]
    size = settings.object_size
    return Preprocessing(
        channels=settings.channels or image.channels,
        normalizer=settings.normalizer
        or Operations(steps=operations(image.entry.preprocessing, image.entry)),
        tiling=_tiling(image, max([*halos, 0])),
        diameter=size and DiameterRange(low=size / 2, typical=size, high=size * 2),
    )


def _tiling(image: InputImage, halo: int) -> Tiling:
    """Return tiles of the size that the network takes, if that is fixed, with the stated halo."""
    if not image.size:
        return Tiling(halo=max(halo, _HALO))
    tile = min(image.size)
    halo = min(halo or tile // 8, tile // 4)
    tiles = {} if len(set(image.size)) == 1 else {"tiles": image.size}
    given = {"tile": max(image.size), "halo": halo, "mirror": 0, "exact": True, **tiles}
    return Tiling.model_validate(given)


def _tensor(package: Package, entry: TensorEntry) -> NDArray[Any] | None:
    """Return the test tensor of an input or output (C, *spatial), None if it is not there."""
    test = entry.test_tensor
    if test is None or package.file(file_name(test.source)) is None:
        return None
    return read_tensor(checked_file(package, file_name(test.source), test.sha256), entry.order)


def _example(
    preprocessing: Preprocessing, image: InputImage, test: NDArray[Any] | None
) -> NDArray[np.float32]:
    """Return an input of the network: the prepared test image, or noise without one."""
    if test is None:
        shape = (len(image.channels), *image.shape)
        test = np.random.default_rng(0).integers(0, 255, shape).astype(np.float32)
    return preprocessing.normalizer(test)


def _session(runtime: Runtime, file: Path) -> Any:
    import torch

    return runtime.session(file, torch.device("cpu"))


def _finished(runtime: Runtime, entry: TensorEntry, output: str) -> Runtime:
    """Return the runtime with the order and post-processing of the output that counts."""
    _check_offsets(entry)
    order = entry.order.replace("b", "")
    after = operations(entry.postprocessing, entry)
    return runtime.model_copy(
        update={
            "output_axes": {} if order in ("cyx", "czyx") else {output: order},
            "after": {output: after} if after else {},
        }
    )


def _check_offsets(entry: TensorEntry) -> None:
    """Refuse outputs that lack a rim of the image, whose place would be wrong."""
    for axis in entry.axes:
        offset = getattr(axis.size, "offset", 0)
        if offset and axis.letter in "zyx":
            raise ModelError(
                f"{entry.id} is {abs(offset)} px shorter than the input along {axis.name}, which "
                "is not supported"
            )


def _info(
    found: Description,
    runtime: Runtime,
    preprocessing: Preprocessing,
    what: Meaning,
    settings: ImportSettings,
    source: Source,
) -> ModelInfo:
    return ModelInfo(
        name=settings.model_name or as_name(found.id.split("/")[0] or found.name),
        version="1",
        description=printable(found.description or found.name),
        licence=settings.licence or printable(found.license or "not stated"),
        head=what.head,
        reading=what.reading,
        separate=what.separate,
        runtime=runtime,
        preprocessing=preprocessing,
        source=source,
    )


def _trained_on(found: Description) -> str:
    return printable(str((found.training_data or {}).get("id", "")))
