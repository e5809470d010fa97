"""Bundles with random weights, as MONAI's zoo configures them; windows and images are smaller."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

Config = dict[str, Any]
IMAGE = {"keys": "image"}


@dataclass(frozen=True)
class Zoo:
    """What a bundle states, and an image for it: shape (X, Y) or (X, Y, Z), without channels."""

    network: Config
    before: list[Config]
    inferer: Config
    after: list[Config]
    outputs: Config = field(default_factory=dict)
    shape: tuple[int, ...] = (40, 36, 44)
    voxel: tuple[float, ...] = (1.0, 1.0, 1.0)
    channels: int = 1
    further: Config = field(default_factory=dict)


def before(*transforms: Config) -> list[Config]:
    first = [{"_target_": "LoadImaged", **IMAGE}, {"_target_": "EnsureChannelFirstd", **IMAGE}]
    return [*first, *({**t, **IMAGE} for t in transforms), {"_target_": "EnsureTyped", **IMAGE}]


def on_grid(*pixdim: float) -> list[Config]:
    return [
        {"_target_": "Orientationd", "axcodes": "RAS"},
        {"_target_": "Spacingd", "pixdim": list(pixdim), "mode": "bilinear"},
    ]


def windows(*roi: int, overlap: Any = 0.5, **arguments: Any) -> Config:
    return {
        "_target_": "SlidingWindowInferer",
        "roi_size": list(roi),
        "sw_batch_size": 2,
        "overlap": overlap,
        **arguments,
    }


SOFTMAX = [
    {"_target_": "Activationsd", "keys": "pred", "softmax": True},
    {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
]
RANGE = {"_target_": "ScaleIntensityRanged", "b_min": 0.0, "b_max": 1.0, "clip": True}
FIVE = {"channels": [16, 32, 64, 128, 256], "strides": [2, 2, 2, 2], "num_res_units": 2}

ZOO = {
    "spleen": Zoo(
        {"_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 2, **FIVE,
         "norm": "batch"},
        before(*on_grid(1.5, 1.5, 2.0), {**RANGE, "a_min": -57, "a_max": 164}),
        windows(32, 32, 32), SOFTMAX, {"0": "background", "1": "spleen"},
        voxel=(1.5, 1.5, 2.0),
    ),
    "brats": Zoo(
        {"_target_": "SegResNet", "blocks_down": [1, 2, 2, 4], "blocks_up": [1, 1, 1],
         "init_filters": 16, "in_channels": 4, "out_channels": 3, "dropout_prob": 0.2},
        before({"_target_": "NormalizeIntensityd", "nonzero": True, "channel_wise": True}),
        windows(48, 40, 24),
        [{"_target_": "Activationsd", "keys": "pred", "sigmoid": True},
         {"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.5},
         {"_target_": "Lambdad", "keys": "pred",
          "func": "$lambda x: torch.where(x[[2]] > 0, 4, 0)"}],
        {"0": "Tumor core", "1": "Whole tumor", "2": "Enhancing tumor"}, channels=4,
    ),
    "endoscopic tool": Zoo(
        {"_target_": "FlexibleUNet", "in_channels": 3, "out_channels": 2,
         "backbone": "efficientnet-b2", "spatial_dims": 2, "pretrained": False, "is_pad": False,
         "pre_conv": None},
        before({"_target_": "Resized", "spatial_size": [96, 64], "mode": ["bilinear"]},
               {"_target_": "ScaleIntensityd"}),
        {"_target_": "SimpleInferer"},
        [{"_target_": "AsDiscreted", "keys": "pred", "argmax": True, "to_onehot": 2},
         {"_target_": "Lambdad", "keys": "pred", "func": "$lambda x : x[1:]"}],
        shape=(150, 81), channels=3,
    ),
    "prostate": Zoo(
        {"_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 3,
         "channels": [16, 32, 64, 128, 256, 512], "strides": [2, 2, 2, 2, 2], "num_res_units": 4,
         "norm": "batch", "act": "prelu", "dropout": 0.15},
        before(*on_grid(0.5, 0.5, 0.5), {"_target_": "ScaleIntensityd", "minv": 0, "maxv": 1},
               {"_target_": "NormalizeIntensityd"}),
        windows(32, 32, 32),
        [{"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
         {"_target_": "KeepLargestConnectedComponentd", "keys": "pred", "applied_labels": [1, 2]}],
        {"0": "background", "1": "central gland", "2": "peripheral zone"},
        shape=(40, 32, 36), voxel=(0.5, 0.5, 0.5),
    ),
    "swin": Zoo(
        {"_target_": "SwinUNETR", "spatial_dims": 3, "img_size": 96, "in_channels": 1,
         "out_channels": 14, "feature_size": 48, "use_checkpoint": False},
        before(*on_grid(1.5, 1.5, 2.0), {**RANGE, "a_min": -175, "a_max": 250}),
        windows(64, 32, 32), SOFTMAX, {str(i): f"organ {i}" for i in range(14)},
        shape=(64, 32, 40), voxel=(1.5, 1.5, 2.0),
    ),
    "cardiac": Zoo(
        {"_target_": "UNet", "spatial_dims": 2, "in_channels": 1, "out_channels": 4, **FIVE},
        before({"_target_": "ScaleIntensityd"}),
        {"_target_": "SliceInferer", "roi_size": [64, 64], "spatial_dim": 2}, SOFTMAX,
        {"0": "background", "1": "left", "2": "wall", "3": "right"}, shape=(80, 60, 5),
    ),
    "whole body": Zoo(
        {"_target_": "SegResNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 105,
         "init_filters": 32, "blocks_down": [1, 2, 2, 4], "blocks_up": [1, 1, 1],
         "dropout_prob": 0.2},
        before(*on_grid(1.5, 1.5, 1.5)[:1],
               {"_target_": "Spacingd", "pixdim": "@pixdim", "mode": "bilinear"},
               {"_target_": "NormalizeIntensityd", "nonzero": True},
               {"_target_": "ScaleIntensityd", "minv": -1.0, "maxv": 1.0}),
        windows(32, 32, 32, overlap="@displayable_configs#sw_overlap", padding_mode="replicate",
                mode="gaussian"),
        SOFTMAX, {str(i): f"part {i}" for i in range(105)}, shape=(40, 24, 32),
        voxel=(1.5, 1.5, 1.5),
        further={
            "displayable_configs": {"highres": True, "sw_overlap": 0.25},
            "pixdim": "$[1.5, 1.5, 1.5] if @displayable_configs#highres else [3.0, 3.0, 3.0]",
        },
    ),
    "hovernet": Zoo(
        {"_target_": "HoVerNet", "mode": "@hovernet_mode", "in_channels": 3, "out_classes": 5},
        before({"_target_": "CastToTyped", "dtype": "float32"},
               {**RANGE, "a_min": 0.0, "a_max": 255.0}),
        {"_target_": "SlidingWindowHoVerNetInferer", "roi_size": "@patch_size", "sw_batch_size": 1,
         "overlap": "$1.0 - float(@out_size) / float(@patch_size)", "padding_mode": "constant",
         "cval": 0, "extra_input_padding": "$((@patch_size - @out_size) // 2,) * 4"},
        [{"_target_": "FlattenSubKeysd", "keys": "pred",
          "sub_keys": ["horizontal_vertical", "nucleus_prediction", "type_prediction"]},
         {"_target_": "HoVerNetInstanceMapPostProcessingd", "sobel_kernel_size": 3,
          "marker_threshold": 0.7, "marker_radius": 2},
         {"_target_": "HoVerNetNuclearTypePostProcessingd"}],
        shape=(100, 78), channels=3,
        further={"hovernet_mode": "original", "patch_size": 270, "out_size": 80},
    ),
    "template": Zoo(
        {"_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": "@num_classes",
         "channels": [8, 16, 32, 64], "strides": [2, 2, 2], "num_res_units": 2},
        [{"_target_": "LoadImaged", "keys": "@image", "image_only": True},
         {"_target_": "EnsureChannelFirstd", "keys": "@image"},
         {"_target_": "ScaleIntensityd", "keys": "@image"}],
        {"_target_": "SimpleInferer"}, SOFTMAX, shape=(40, 32, 48),
        further={"num_classes": 4, "image": "$monai.utils.CommonKeys.IMAGE"},
    ),
}  # fmt: skip


def config_of(zoo: Zoo) -> Config:
    """Return the content of `inference.json`."""
    return {
        "imports": ["$import glob"],
        "bundle_root": ".",
        "device": "$torch.device('cpu')",
        "network_def": zoo.network,
        "network": "$@network_def.to(@device)",
        "preprocessing": {"_target_": "Compose", "transforms": zoo.before},
        "inferer": zoo.inferer,
        "postprocessing": {"_target_": "Compose", "transforms": zoo.after},
        "handlers": [
            {
                "_target_": "CheckpointLoader",
                "load_path": "$@bundle_root + '/models/model.pt'",
                "load_dict": {"model": "@network"},
            }
        ],
        **zoo.further,
    }


def write_bundle(folder: Path, zoo: Zoo, *, yaml: bool = False) -> Path:
    """Write a bundle with random weights, those that MONAI itself gives its network."""
    import torch
    from monai.bundle import ConfigParser

    (folder / "configs").mkdir(parents=True)
    (folder / "models").mkdir()
    config = config_of(zoo)
    text = json.dumps(config, indent=1)
    if yaml:
        import yaml as library

        (folder / "configs/inference.yaml").write_text(library.safe_dump(config))
    else:
        (folder / "configs/inference.json").write_text(text)
    metadata = {
        "version": "0.1.0",
        "description": "A test",
        "network_data_format": {"outputs": {"pred": {"channel_def": zoo.outputs}}},
    }
    (folder / "configs/metadata.json").write_text(json.dumps(metadata))
    config["network_def"] = {k: v for k, v in zoo.network.items() if k != "img_size"}
    parser = ConfigParser(config)  # of which `img_size` was an argument in earlier versions
    torch.manual_seed(0)
    network = parser.get_parsed_content("network_def").eval()
    for name, tensor in network.state_dict().items():  # not those of a fresh network
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2)
        elif name.endswith("running_mean"):
            tensor.normal_(0, 0.1)
    state = network.state_dict()
    for branch in ("horizontal_vertical", "nucleus_prediction", "type_prediction"):
        last = [n for n in state if n.startswith(branch) and state[n].ndim == 4][-1:]
        for name in last:
            state[name] /= 50  # of fresh weights, outputs and their rounding errors are large
    torch.save(network.state_dict(), folder / "models/model.pt")
    return folder


def write_image(path: Path, zoo: Zoo, *, flipped: bool = False) -> Path:
    """Write a smooth random image: NIfTI, or PNG of RGB."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(1)
    channels = [gaussian_filter(rng.normal(size=zoo.shape), 2) for _ in range(zoo.channels)]
    array = np.stack([(c - c.min()) / np.ptp(c) for c in channels], -1)
    if len(zoo.shape) == 2:
        from skimage.io import imsave

        pixels = (array.swapaxes(0, 1) * 255).astype(np.uint8)
        imsave(path.with_suffix(".png"), pixels if zoo.channels > 1 else pixels[..., 0])
        return path.with_suffix(".png")
    import nibabel

    values = np.where(array > 0.2, 600 * array - 200, 0).astype(np.float32)
    affine = np.diag([*zoo.voxel, 1.0])
    if flipped:
        affine[0, 0], affine[1, 1] = -affine[0, 0], -affine[1, 1]
    image = nibabel.Nifti1Image(values if zoo.channels > 1 else values[..., 0], affine)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path.with_suffix(".nii.gz"))
    return path.with_suffix(".nii.gz")


def outputs_of_monai(folder: Path, image: Path) -> np.ndarray:
    """Run MONAI's own transforms, network and inferer; return its raw output (C, *spatial)."""
    import torch
    from monai.bundle import ConfigParser

    parser = ConfigParser()
    parser.read_config(next((folder / "configs").glob("inference.*")))
    parser["network_def"].pop("img_size", None)
    network = parser.get_parsed_content("network_def").eval()
    network.load_state_dict(torch.load(folder / "models/model.pt", weights_only=True))
    data = parser.get_parsed_content("preprocessing")({"image": str(image)})
    with torch.inference_mode():
        found = parser.get_parsed_content("inferer")(data["image"][None].as_tensor(), network)
    if isinstance(found, dict):
        names = ("nucleus_prediction", "horizontal_vertical", "type_prediction")
        found = torch.cat([found[name] for name in names], 1)
    return found[0].numpy()
