"""Export a model as a MONAI bundle that `monai.bundle run` can use, with tensors to test it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.atomic import replacing_all
from ...core.errors import ModelError
from ...core.quantity import LENGTHS
from ...heads.regions import Regions
from ...heads.semantic import Semantic
from ...network.normalize import Identity, Operations, Percentile, Window, ZScore
from ..bundle import BLOCK, CARD, INFERENCE, METADATA, NETWORK, read_card, save_model
from ..copy_bundle import check_target
from ..model_info import EXPORTED
from ..turned_axes import can_turn, turned

if TYPE_CHECKING:
    from torch import Tensor

    from ...network.architectures import Architecture
    from ...network.normalize import Normalizer
    from ...network.tile_layout import Tiling
    from ..bundle import Model

CHECKPOINT = Path("models/model.pt")
INPUT, OUTPUT = Path("models/test_input.npy"), Path("models/test_output.npy")
_LENGTHS = {2: 96, 3: 32}  # of the test image, px
_IMAGE, _PRED = {"keys": "image"}, {"keys": "pred"}
_PADDING = {"edge": "replicate", "wrap": "circular"}
_OURS_TO_MONAI = {
    "scale_window": "ScaleIntensityRanged", "scale_intensity": "ScaleIntensityd",
    "normalize_intensity": "NormalizeIntensityd",
    "scale_percentiles": "ScaleIntensityRangePercentilesd",
}  # fmt: skip

Config = dict[str, Any]


@dataclass(frozen=True)
class _Network:
    """A network that takes images as MONAI reads them: (X, Y, Z)."""

    architecture: Architecture
    weights: dict[str, Tensor]


def export_monai(model: Model, target: Path) -> Path:
    """Write a model as `target`, a folder that is a MONAI bundle; return its path.

    `configs/inference.json` has transforms and inferer: `monai.bundle run` with it segments the
    images of the folder `dataset_dir` and writes classes, or the raw output of models that separate
    objects, which MONAI cannot decode. It needs neither ignite nor napari-tally. Images are not
    scaled to the size of objects. A normalized test image and the network's output for it are in
    `models/test_input.npy` and `test_output.npy`. Importing the folder gives the same model.

    Raises
    ------
    ModelError
        If the model is an ensemble, runs with a runtime, or MONAI has no such network or transform.
    """
    network = _network(model)
    check_target(target, overwrite=False)
    inference = _inference(model, network)
    with replacing_all(target) as folder:
        folder.mkdir(exist_ok=True)
        _write(model, network, inference, folder)
    return target


def _network(model: Model) -> _Network:
    info, architecture = model.info, model.architecture
    if architecture is None or len(model.networks) != 1 or info.mirrored:
        raise ModelError(
            f"{info.name} is no single network of PyTorch, which a MONAI bundle needs",
            hint="Export it to ONNX",
        )
    if not architecture.target().startswith("monai."):
        raise ModelError(f"MONAI has no network {architecture.name} of this form")
    weights = {k: v.detach().cpu() for k, v in model.networks[0].state_dict().items()}
    if info.reversed_axes:
        return _Network(architecture, weights)
    if not can_turn(architecture):
        raise ModelError(
            f"The transformer {architecture.name} of {info.name} takes the axes (Z, Y, X), but "
            "MONAI reads (X, Y, Z)",
            hint="Export it to ONNX",
        )
    return _Network(*turned(architecture, weights))


def _write(model: Model, network: _Network, inference: Config, folder: Path) -> None:
    import torch

    info = model.info
    save_model(folder, info, network.architecture, network.weights)
    next((folder / "models").glob("*.safetensors")).unlink()
    torch.save(network.weights, folder / CHECKPOINT)
    _write_json(folder / INFERENCE, inference)
    metadata = json.loads((folder / METADATA).read_text("utf-8"))
    metadata[EXPORTED] = metadata.pop(BLOCK)
    names = info.head.channel_names(model.spatial_dims)
    outputs = metadata["network_data_format"]["outputs"]["pred"]
    outputs["channel_def"] = {str(i): name for i, name in enumerate(names)}
    _write_json(folder / METADATA, metadata)
    if card := read_card(model.folder):
        (folder / CARD).parent.mkdir()
        (folder / CARD).write_text(card, "utf-8")
    _write_test(network, folder)


def _inference(model: Model, network: _Network) -> Config:
    """Return the content of `inference.json`."""
    return {
        "imports": ["$import glob", "$import os", "$import torch"],
        "bundle_root": ".",
        "dataset_dir": "$@bundle_root + '/images'",
        "output_dir": "$@bundle_root + '/eval'",
        "datalist": "$sorted(glob.glob(os.path.join(@dataset_dir, '*')))",
        "device": "$torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
        NETWORK: network.architecture.definition(),
        "network": f"$@{NETWORK}.to(@device).eval()",
        "checkpoint": "$torch.load(@bundle_root + '/models/model.pt', weights_only=True)",
        "preprocessing": {"_target_": "Compose", "transforms": _before(model)},
        "dataset": {
            "_target_": "Dataset",
            "data": "$[{'image': path} for path in @datalist]",
            "transform": "@preprocessing",
        },
        "inferer": _inferer(model.info.preprocessing.tiling, model),
        "postprocessing": {"_target_": "Compose", "transforms": _after(model)},
        "initialize": [
            "$torch.set_grad_enabled(False)",
            "$@network.load_state_dict(@checkpoint)",
        ],
        "run": [
            (
                "$[@postprocessing({**d, 'pred': "
                "@inferer(d['image'][None].to(@device), @network)[0]}) for d in @dataset]"
            )
        ],
    }


def _before(model: Model) -> list[Config]:
    """Return the transforms before the network."""
    inputs = model.info.preprocessing
    grid: list[Config] = []
    if inputs.orientation is not None:
        grid.append({"_target_": "Orientationd", **_IMAGE, "axcodes": inputs.orientation})
    if inputs.spacing is not None:
        to_mm = LENGTHS[inputs.spacing_unit] / LENGTHS["mm"]
        pixdim = [s * to_mm for s in inputs.spacing[::-1]]
        grid.append({"_target_": "Spacingd", **_IMAGE, "pixdim": pixdim, "mode": "bilinear"})
    if inputs.size is not None:
        size = list(inputs.size[::-1])
        grid.append({"_target_": "Resized", **_IMAGE, "spatial_size": size, "mode": "bilinear"})
    scaled = _intensities(inputs.normalizer, model.info.name)
    return [
        {"_target_": "LoadImaged", **_IMAGE},
        {"_target_": "EnsureChannelFirstd", **_IMAGE},
        *([*grid, *scaled] if inputs.resample_first else [*scaled, *grid]),
        {"_target_": "EnsureTyped", **_IMAGE, "dtype": "float32"},
    ]


def _intensities(normalizer: Normalizer, name: str) -> list[Config]:
    """Return the transforms of a normalizer."""
    if isinstance(normalizer, Identity):
        return []
    if isinstance(normalizer, ZScore):
        return [{"_target_": "NormalizeIntensityd", **_IMAGE, "channel_wise": True}]
    if isinstance(normalizer, Window):
        return [_range(normalizer.low, normalizer.high, normalizer.clip)]
    if isinstance(normalizer, Percentile) and not normalizer.inverted:
        return [
            {
                "_target_": "ScaleIntensityRangePercentilesd", **_IMAGE, "lower": normalizer.low,
                "upper": normalizer.high, "b_min": 0.0, "b_max": 1.0, "channel_wise": True,
            }
        ]  # fmt: skip
    if isinstance(normalizer, Operations):
        steps = [step.model_dump(exclude={"limits", "windows"}) for step in normalizer.steps]
        if all(step["name"] in _OURS_TO_MONAI for step in steps):
            return [_operation(step) for step in steps]
    kind = type(normalizer).__name__
    raise ModelError(f"MONAI has no transform for the intensities of {name} ({kind})")


def _range(low: float, high: float, clip: bool) -> Config:
    return {
        "_target_": "ScaleIntensityRanged", **_IMAGE, "a_min": low, "a_max": high, "b_min": 0.0,
        "b_max": 1.0, "clip": clip,
    }  # fmt: skip


def _operation(step: Config) -> Config:
    target = _OURS_TO_MONAI[step.pop("name")]
    arguments = {k: v for k, v in step.items() if v not in ((), None)}
    return {"_target_": target, **_IMAGE, **arguments}


def _inferer(tiling: Tiling, model: Model) -> Config:
    """Return the inferer: windows of the size of our tiles, axes in MONAI's order."""
    sliding, dims = tiling.sliding, model.spatial_dims
    if sliding is None:
        tile = tiling.tile // model.stride * model.stride or model.stride
        roi = tiling.tiles[::-1] or (tile,) * dims
        blend, padding = "gaussian", "reflect"
        overlap, sigma = [min(0.5, 2 * tiling.halo / max(roi))] * dims, 0.125
    else:
        roi, blend, sigma = tuple(n or -1 for n in sliding.roi[::-1]), sliding.blend, sliding.sigma
        padding = _PADDING.get(sliding.padding, sliding.padding)
        overlap = list(sliding.overlap[::-1]) * (dims // len(sliding.overlap))
    return {
        "_target_": "SlidingWindowInferer", "roi_size": list(roi), "sw_batch_size": 1,
        "overlap": overlap, "mode": blend, "sigma_scale": sigma, "padding_mode": padding,
    }  # fmt: skip


def _after(model: Model) -> list[Config]:
    """Return the transforms after the network, which end on the grid of the image."""
    head, activations = model.info.head, list[Config]()
    if isinstance(head, Semantic):
        activations.append({"_target_": "Activationsd", **_PRED, "softmax": True})
    elif isinstance(head, Regions):
        activations.append({"_target_": "Activationsd", **_PRED, "sigmoid": True})
    back: Config = {
        "_target_": "Invertd", **_PRED, "transform": "@preprocessing", "orig_keys": "image",
        "nearest_interp": False, "to_tensor": True,
    }  # fmt: skip
    found = [*activations, back]
    if isinstance(head, Semantic):
        found.append({"_target_": "AsDiscreted", **_PRED, "argmax": True})
        if head.largest:
            name = "KeepLargestConnectedComponentd"
            found.append({"_target_": name, **_PRED, "applied_labels": list(head.largest)})
    elif isinstance(head, Regions):
        found.append({"_target_": "AsDiscreted", **_PRED, "threshold": head.threshold})
    return [*found, {"_target_": "SaveImaged", **_PRED, "output_dir": "@output_dir"}]


def _write_test(network: _Network, folder: Path) -> None:
    """Write a normalized image of noise, and the network's output for it."""
    import torch

    architecture = network.architecture
    ndim, stride = architecture.spatial_dims, architecture.stride
    cells = max(1, _LENGTHS[ndim] // stride)
    shape = architecture.fit(tuple(stride * (cells + n) for n in range(ndim)))
    image = np.random.default_rng(0).normal(size=(1, architecture.in_channels, *shape))
    built = architecture.build().eval()
    built.load_state_dict(network.weights)
    with torch.inference_mode():
        output = built(torch.from_numpy(image).float()).float().numpy()
    np.save(folder / INPUT, image.astype(np.float32))
    np.save(folder / OUTPUT, output)


def _write_json(path: Path, content: Config) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
