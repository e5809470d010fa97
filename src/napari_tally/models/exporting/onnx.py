"""Export a model as an ONNX file, with tensors to test it."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.atomic import replacing_all
from ...core.errors import InputError, ModelError
from ...network.ensemble import activated
from ...network.runtimes import Onnx
from ..bundle import BLOCK
from ..weights import inside

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..bundle import Model

_OPSET = 17
_AGREE = 1e-4  # largest difference of the maps of onnxruntime
_LENGTHS = {2: 96, 3: 32}  # of the test image, px
INPUT, OUTPUT = "image", "maps"


def export_onnx(model: Model, target: Path) -> Path:
    """Write a model as `target`, an ONNX file; return its path.

    The network takes normalized images (batch, channels, *spatial) of any size that is a multiple
    of its stride and returns the prediction maps of the head, activated; an ensemble returns their
    mean. The description of the model is in the metadata: importing the file again gives the same
    model. A test image and its maps are written beside it, `*_test_input.npy` and
    `*_test_output.npy`. A model that runs in onnxruntime already is copied.

    Raises
    ------
    ModelError
        If the network cannot be written as ONNX, or onnxruntime gives other maps.
    InputError
        If the packages onnx and onnxruntime are not installed.
    """
    if target.suffix.lower() != ".onnx":
        raise InputError(f"{target} does not end in .onnx", hint="Choose such a name")
    runtime = model.info.runtime
    if runtime is not None and not isinstance(runtime, Onnx):
        raise ModelError(
            f"{model.info.name} runs with {runtime.name} and cannot be exported as ONNX"
        )
    with replacing_all(target) as part:
        if runtime is not None:
            _copy(model, runtime, part)
        else:
            _export(model, part)
    return target


def _copy(model: Model, runtime: Onnx, part: Path) -> None:
    file = inside(model.folder, Path(runtime.file))
    shutil.copyfile(file, part)
    for further in (p for p in file.parent.iterdir() if p != file and p.is_file()):
        shutil.copyfile(further, part.with_name(further.name))


def _export(model: Model, part: Path) -> None:
    import torch

    Onnx.check_installed()
    image = _test_image(model)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # of the tracer, about shapes that are fixed
        network = _activating(model)
        maps = network(torch.from_numpy(image)).numpy()
        _write(network, torch.from_numpy(image), part)
    _describe(model, part)
    session = Onnx(spatial_dims=model.spatial_dims).session(part, torch.device("cpu"))
    other = -0.5 * image[..., ::-1, :].copy()  # maps that the tracer made constants differ here
    with torch.inference_mode():
        others = network(torch.from_numpy(other)).numpy()
    pairs = ((image, maps), (other, others))
    largest = max(float(np.abs(session(i[0])[OUTPUT] - m).max()) for i, m in pairs)
    if not largest <= _AGREE:
        raise ModelError(
            f"The exported network of {model.info.name} gives other maps: they differ by "
            f"{largest:.2g}"
        )
    np.save(part.with_name(f"{part.stem}_test_input.npy"), image)
    np.save(part.with_name(f"{part.stem}_test_output.npy"), maps)


def _test_image(model: Model) -> NDArray[np.float32]:
    """Return an image of noise (1, C, *spatial) whose axes differ in length."""
    ndim, stride = model.spatial_dims, model.stride
    cells = max(1, _LENGTHS[ndim] // stride)
    shape = tuple(stride * (cells + n) for n in range(ndim))
    channels = len(model.info.preprocessing.channels)
    return np.random.default_rng(0).normal(size=(1, channels, *shape)).astype(np.float32)


def _activating(model: Model) -> Any:
    """Return the network with the activation of the head."""
    from torch import Tensor, nn

    class Activated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = model.network

        def forward(self, image: Tensor) -> Tensor:
            return activated(self.network, image, model.activate)

    return Activated().float().cpu().eval()


def _write(network: Any, image: Any, part: Path) -> None:
    import torch

    spatial = {i: "ZYX"[i - image.ndim].lower() for i in range(2, image.ndim)}
    free = {0: "batch", **spatial}
    try:
        torch.onnx.export(
            network,
            (image,),
            str(part),
            dynamo=False,
            opset_version=_OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: free, OUTPUT: free},
        )
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        first = str(error).strip().splitlines()[0]
        raise ModelError(f"The network cannot be written as ONNX: {first}") from error


def _describe(model: Model, part: Path) -> None:
    """Write the description of the model into the metadata of the file."""
    import onnx

    info = model.info
    proto = onnx.load(part)
    described = info.model_copy(update={"runtime": None, "reading": None, "mirrored": ()})
    facts = {
        "description": info.description,
        "license": info.licence,
        "version": info.version,
        "names": json.dumps(list(info.head.class_names)),
        "channels": json.dumps(list(info.preprocessing.channels)),
        BLOCK: described.model_dump_json(),
    }
    onnx.helper.set_model_props(proto, facts)
    onnx.save(proto, part)
