"""Results folders as nnU-Net v2 writes them, with small random networks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from napari_tally.network.architectures import PlainConvUNet, ResidualEncoderUNet

STATISTICS = {"percentile_00_5": -100.0, "percentile_99_5": 240.0, "mean": 50.0, "std": 30.0}
KERNELS, STRIDES = ((1, 3, 3), (3, 3, 3), (3, 3, 3)), ((1, 1, 1), (1, 2, 2), (2, 2, 2))


def network(dims: int = 3, *, residual: bool = False, outputs: int = 3, inputs: int = 1) -> Any:
    """Return a small architecture."""
    kind = ResidualEncoderUNet if residual else PlainConvUNet
    return kind(
        spatial_dims=dims,
        in_channels=inputs,
        out_channels=outputs,
        features_per_stage=(4, 8, 8),
        kernel_sizes=tuple(k[-dims:] for k in KERNELS),
        strides=tuple(s[-dims:] for s in STRIDES),
        counts=(1, 2, 1),
        decoder_counts=(1, 1),
    )


def their_weights(own: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return weights by nnU-Net's names: with heads for deep supervision and second names."""
    found = {}
    for name, weight in own.items():
        found[name.replace("decoder.output.", "decoder.seg_layers.1.")] = weight
        if name.startswith("encoder."):
            found[f"decoder.{name}"] = weight
        if ".conv." in name:
            found[name.replace(".conv.", ".all_modules.0.")] = weight
    for part in ("weight", "bias"):
        of_last = found[f"decoder.seg_layers.1.{part}"]
        found[f"decoder.seg_layers.0.{part}"] = torch.zeros_like(of_last)
    return found


def architecture_block(architecture: Any) -> dict[str, Any]:
    """Return the block `architecture` of newer plans."""
    a, dims = architecture, architecture.spatial_dims
    counts = "n_conv_per_stage" if a.name == "PlainConvUNet" else "n_blocks_per_stage"
    return {
        "network_class_name": f"dynamic_network_architectures.architectures.unet.{a.name}",
        "arch_kwargs": {
            "n_stages": 3,
            "features_per_stage": list(a.features_per_stage),
            "conv_op": f"torch.nn.modules.conv.Conv{dims}d",
            "kernel_sizes": [list(k) for k in a.kernel_sizes],
            "strides": [list(s) for s in a.strides],
            counts: list(a.counts),
            "n_conv_per_stage_decoder": list(a.decoder_counts),
            "conv_bias": True,
            "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{dims}d",
            "norm_op_kwargs": {"eps": 1e-05, "affine": True},
            "dropout_op": None,
            "dropout_op_kwargs": None,
            "nonlin": "torch.nn.LeakyReLU",
            "nonlin_kwargs": {"inplace": True},
        },
    }


def make_results(
    folder: Path,
    architecture: Any = None,
    *,
    folds: int = 1,
    plans: dict[str, Any] | None = None,
    configuration: dict[str, Any] | None = None,
    dataset: dict[str, Any] | None = None,
    checkpoint: dict[str, Any] | None = None,
) -> list[dict[str, torch.Tensor]]:
    """Write a results folder; return our weights of each fold. Dictionaries replace parts of it."""
    architecture = architecture or network()
    dims = architecture.spatial_dims
    name = "2d" if dims == 2 else "3d_fullres"
    own = {
        "patch_size": [8, 16, 16][-dims:],
        "spacing": [2.0, 0.8, 0.8][-dims:],
        "normalization_schemes": ["CTNormalization"] * architecture.in_channels,
        "use_mask_for_norm": [False] * architecture.in_channels,
        "architecture": architecture_block(architecture),
        **(configuration or {}),
    }
    channels = range(architecture.in_channels)
    described = {
        "dataset_name": "Dataset007_Organs",
        "transpose_forward": [0, 1, 2],
        "image_reader_writer": "SimpleITKIO",
        "foreground_intensity_properties_per_channel": {str(i): STATISTICS for i in channels},
        "configurations": {name: own},
        **(plans or {}),
    }
    data = {
        "channel_names": {str(i): f"CT {i}" if i else "CT" for i in channels},
        "labels": {"background": 0, "tumour": 2, "organ": 1},
        "file_ending": ".nii.gz",
        **(dataset or {}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plans.json").write_text(json.dumps(described))
    (folder / "dataset.json").write_text(json.dumps(data))
    weights = []
    for fold in range(folds):
        torch.manual_seed(fold)
        weights.append(architecture.build().state_dict())
        content = {
            "network_weights": their_weights(weights[-1]),
            "optimizer_state": {},
            "logging": {"mean_fg_dice": [np.float64(0.5)], "train_losses": [np.float32(1)]},
            "_best_ema": np.float64(0.9),
            "init_args": {"configuration": name, "fold": fold},
            "trainer_name": "nnUNetTrainer",
            "inference_allowed_mirroring_axes": tuple(range(dims)),
            **(checkpoint or {}),
        }
        (folder / f"fold_{fold}").mkdir(exist_ok=True)
        torch.save(content, folder / f"fold_{fold}" / "checkpoint_final.pth")
    return weights
