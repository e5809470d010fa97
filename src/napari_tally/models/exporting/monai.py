"""Export a model as a MONAI bundle that `monai.bundle run` can use, with tensors to test it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.atomic import replacing_all
from ...core.errors import ModelError
from ...core.quantity import LENGTHS
from ...heads.regions import Regions
from ...heads.semantic import Semantic
from ...network.normalize import Identity, Operations, Percentile, Window, ZScore
from ..bundle import INFERENCE, METADATA, NETWORK
from ..copy_bundle import check_target, copy_files

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...network.normalize import Normalizer
    from ...network.tile_layout import Tiling
    from ..bundle import Model

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


def export_monai(model: Model, target: Path) -> Path:
    """Write a model as `target`, a folder that is a MONAI bundle; return its path.

    `configs/inference.json` has transforms, inferer and evaluator, so that
    `python -m monai.bundle run --config_file configs/inference.json --dataset_dir IMAGES` writes
    class maps, or raw prediction maps of models that separate objects, which MONAI cannot decode.
    A test image and the network's output for it are in `models/test_input.npy` and
    `test_output.npy`. The folder remains a model of napari-tally.

    Raises
    ------
    ModelError
        If the model is an ensemble, runs with a runtime, or MONAI has no such transform.
    """
    _check(model)
    check_target(target, overwrite=False)
    inference = _inference(model)
    with replacing_all(target) as folder:
        if folder.exists():
            shutil.rmtree(folder)
        copy_files(model.folder, folder)
        (folder / INFERENCE).write_text(json.dumps(inference, indent=2) + "\n", "utf-8")
        _name_outputs(folder / METADATA, model)
        _write_test(model, folder)
    return target


def _check(model: Model) -> None:
    info = model.info
    if model.architecture is None or len(model.networks) != 1 or info.mirrored:
        raise ModelError(
            f"{info.name} is no single network of PyTorch, which a MONAI bundle needs",
            hint="Export it to ONNX",
        )
    if not model.architecture.target().startswith("monai."):
        raise ModelError(f"MONAI has no network {model.architecture.name}")


def _inference(model: Model) -> Config:
    """Return the content of `inference.json`."""
    assert model.architecture is not None
    return {
        "imports": ["$import glob", "$import os", "$import torch"],
        "bundle_root": ".",
        "dataset_dir": "$@bundle_root + '/images'",
        "output_dir": "$@bundle_root + '/eval'",
        "datalist": "$sorted(glob.glob(os.path.join(@dataset_dir, '*')))",
        "device": "$torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
        NETWORK: model.architecture.definition(),
        "network": f"$@{NETWORK}.to(@device)",
        "preprocessing": {"_target_": "Compose", "transforms": _before(model)},
        "dataset": {
            "_target_": "Dataset",
            "data": "$[{'image': path} for path in @datalist]",
            "transform": "@preprocessing",
        },
        "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 1},
        "inferer": _inferer(model.info.preprocessing.tiling, model),
        "postprocessing": {"_target_": "Compose", "transforms": _after(model)},
        "evaluator": {
            "_target_": "SupervisedEvaluator",
            "device": "@device",
            "val_data_loader": "@dataloader",
            "network": "@network",
            "inferer": "@inferer",
            "postprocessing": "@postprocessing",
        },
        "initialize": [
            "$@network.load_state_dict(__import__('safetensors.torch').torch.load_file("
            "@bundle_root + '/models/model.safetensors'))"
        ],
        "run": ["$@evaluator.run()"],
    }


def _before(model: Model) -> list[Config]:
    """Return the transforms before the network; images keep MONAI's axes until the last one."""
    inputs, dims = model.info.preprocessing, model.spatial_dims
    if inputs.diameter is not None and not model.info.head.class_names:
        pass  # the size of objects is the user's to match: MONAI does not estimate it
    found: list[Config] = [
        {"_target_": "LoadImaged", **_IMAGE},
        {"_target_": "EnsureChannelFirstd", **_IMAGE},
    ]
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
    found += [*grid, *scaled] if inputs.resample_first else [*scaled, *grid]
    found.append({"_target_": "EnsureTyped", **_IMAGE})
    # Our networks take (Z, Y, X), MONAI reads (X, Y, Z).
    order = list(range(dims, 0, -1))
    return [*found, {"_target_": "Transposed", **_IMAGE, "indices": [0, *order]}]


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
    raise ModelError(f"MONAI has no transform for the intensities of {name} ({normalizer.name})")


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
    """Return the inferer: windows of the size of our tiles."""
    sliding = tiling.sliding
    if sliding is not None:
        return {
            "_target_": "SlidingWindowInferer",
            "roi_size": [n or -1 for n in sliding.roi],
            "overlap": list(sliding.overlap * (len(sliding.roi) // len(sliding.overlap))),
            "mode": sliding.blend,
            "sigma_scale": sliding.sigma,
            "padding_mode": _PADDING.get(sliding.padding, sliding.padding),
        }
    tile = tiling.tile // model.stride * model.stride or model.stride
    roi = list(tiling.tiles) or [tile] * model.spatial_dims
    overlap = min(0.5, 2 * tiling.halo / max(roi))
    return {
        "_target_": "SlidingWindowInferer", "roi_size": roi, "overlap": overlap,
        "mode": "gaussian", "padding_mode": "replicate",
    }  # fmt: skip


def _after(model: Model) -> list[Config]:
    """Return the transforms after the network; classes are saved on the grid of the image."""
    head, dims = model.info.head, model.spatial_dims
    back: Config = {"_target_": "Transposed", **_PRED, "indices": [0, *range(dims, 0, -1)]}
    found: list[Config] = [back]
    if isinstance(head, Semantic):
        found.append({"_target_": "Activationsd", **_PRED, "softmax": True})
        found.append({"_target_": "AsDiscreted", **_PRED, "argmax": True})
        if head.largest:
            found.append(
                {
                    "_target_": "KeepLargestConnectedComponentd", **_PRED,
                    "applied_labels": list(head.largest),
                }
            )  # fmt: skip
    elif isinstance(head, Regions):
        found.append({"_target_": "Activationsd", **_PRED, "sigmoid": True})
        found.append({"_target_": "AsDiscreted", **_PRED, "threshold": head.threshold})
    return [*found, {"_target_": "SaveImaged", **_PRED, "output_dir": "@output_dir"}]


def _name_outputs(path: Path, model: Model) -> None:
    """Name the channels of the output in the metadata."""
    metadata = json.loads(path.read_text("utf-8"))
    names = model.info.head.channel_names(model.spatial_dims)
    outputs = metadata["network_data_format"]["outputs"]["pred"]
    outputs["channel_def"] = {str(i): name for i, name in enumerate(names)}
    path.write_text(json.dumps(metadata, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _write_test(model: Model, folder: Path) -> None:
    """Write a normalized image of noise, and the output of the network for it."""
    import torch

    image = _test_image(model)
    with torch.inference_mode():
        output = model.network(torch.from_numpy(image)).float().numpy()
    np.save(folder / INPUT, image)
    np.save(folder / OUTPUT, output)


def _test_image(model: Model) -> NDArray[np.float32]:
    ndim, stride = model.spatial_dims, model.stride
    cells = max(1, _LENGTHS[ndim] // stride)
    assert model.architecture is not None
    shape = model.architecture.fit(tuple(stride * (cells + n) for n in range(ndim)))
    channels = len(model.info.preprocessing.channels)
    return np.random.default_rng(0).normal(size=(1, channels, *shape)).astype(np.float32)
