"""Compare imported nnU-Net v2 folders with the networks that nnU-Net itself builds.

nnU-Net's networks are in `dynamic_network_architectures`, which wants packages that we do not have;
so its half runs in an environment of its own, and writes folders with random weights, an image and
the output of each::

    python -m venv peer && peer/bin/pip install torch dynamic-network-architectures
    peer/bin/python benchmarks/parity/nnunet.py make FOLDER
    python benchmarks/parity/nnunet.py check FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch

CASES = (
    "plain-2d",
    "plain-3d",
    "flat-kernels",
    "residual-2d",
    "residual-3d",
    "turned",
    "old-plans",
)
_LIMIT = 1e-5
_BASE = "dynamic_network_architectures.architectures.unet."


def arguments(case: str) -> tuple[str, dict[str, object], list[int], list[int]]:
    """Return the class, its arguments, the axes' order and the patch size of a case."""
    dims = 2 if case.endswith("2d") else 3
    even, half = [1] * dims, [2] * dims
    flat = case in ("flat-kernels", "turned", "old-plans")
    kernels = [[1, 3, 3], [1, 3, 3], [3, 3, 3], [3, 3, 3]] if flat else [[3] * dims] * 4
    strides = [even, [1, 2, 2] if flat else half, half, half]
    residual = case.startswith("residual")
    counts = (
        {"n_blocks_per_stage": [1, 3, 2, 2]} if residual else {"n_conv_per_stage": [2, 2, 2, 2]}
    )
    fields: dict[str, object] = {
        "n_stages": 4,
        "features_per_stage": [8, 16, 32, 32],
        "conv_op": f"torch.nn.modules.conv.Conv{dims}d",
        "kernel_sizes": kernels,
        "strides": strides,
        **counts,
        "n_conv_per_stage_decoder": [1, 1, 1] if residual else [2, 2, 2],
        "conv_bias": True,
        "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{dims}d",
        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }
    order = [1, 0, 2] if case == "turned" else [0, 1, 2]
    patch = [16, 32, 40] if dims == 3 else [48, 64]
    name = "ResidualEncoderUNet" if residual else "PlainConvUNet"
    return name, fields, order, patch


def make(target: Path) -> None:
    """Write a results folder for each case, with an image and the output of its network."""
    from pydoc import locate

    for seed, case in enumerate(CASES):
        torch.manual_seed(seed)
        name, fields, order, patch = arguments(case)
        made = {
            key: locate(str(value)) if key in ("conv_op", "norm_op", "nonlin") else value
            for key, value in fields.items()
        }
        kind = locate(_BASE + name)
        network = kind(input_channels=2, num_classes=3, deep_supervision=False, **made).eval()
        for parameter in network.parameters():  # norms must not be 1 and 0
            parameter.data += 0.1 * torch.randn_like(parameter)
        folder = target / case / f"nnUNetTrainer__nnUNetPlans__{_name(patch)}"
        _write(folder, case, network, name, fields, order, patch)
        image = torch.randn(1, 2, *patch)  # in the order of the network's axes
        with torch.inference_mode():
            np.savez(target / f"{case}.npz", image=image.numpy(), output=network(image).numpy())


def _name(patch: list[int]) -> str:
    return "2d" if len(patch) == 2 else "3d_fullres"


def _write(
    folder: Path,
    case: str,
    network: torch.nn.Module,
    name: str,
    fields: dict[str, object],
    order: list[int],
    patch: list[int],
) -> None:
    """Write plans, data set and a checkpoint as nnU-Net does, numbers of numpy among them."""
    (folder / "fold_0").mkdir(parents=True)
    configuration = {
        "patch_size": patch,
        "spacing": [2.0, 0.8, 0.7][-len(patch) :],
        "normalization_schemes": ["CTNormalization", "ZScoreNormalization"],
        "use_mask_for_norm": [False, True],
        "architecture": {"network_class_name": _BASE + name, "arch_kwargs": fields},
    }
    if case == "old-plans":
        del configuration["architecture"]
        configuration |= {
            "UNet_class_name": name,
            "UNet_base_num_features": 8,
            "unet_max_num_features": 32,
            "n_conv_per_stage_encoder": fields["n_conv_per_stage"],
            "n_conv_per_stage_decoder": fields["n_conv_per_stage_decoder"],
            "conv_kernel_sizes": fields["kernel_sizes"],
            "pool_op_kernel_sizes": fields["strides"],
        }
    statistics = {"percentile_00_5": -100.0, "percentile_99_5": 240.0, "mean": 50.0, "std": 30.0}
    plans = {
        "dataset_name": "Dataset001_Parity",
        "transpose_forward": order,
        "image_reader_writer": "SimpleITKIO",
        "foreground_intensity_properties_per_channel": {"0": statistics, "1": statistics},
        "configurations": {_name(patch): configuration},
    }
    dataset = {
        "channel_names": {"0": "CT", "1": "PET"},
        "labels": {"background": 0, "organ": 1, "tumour": 2},
        "file_ending": ".nii.gz",
    }
    (folder / "plans.json").write_text(json.dumps(plans))
    (folder / "dataset.json").write_text(json.dumps(dataset))
    axes = tuple(range(len(patch)))
    losses = {"train_losses": [np.float32(0.5)], "mean_fg_dice": [np.float64(0.9)]}
    content = {
        "network_weights": network.state_dict(),
        "optimizer_state": {},
        "grad_scaler_state": None,
        "logging": losses,
        "_best_ema": np.float64(0.9),
        "current_epoch": 1000,
        "init_args": {"configuration": _name(patch), "fold": 0, "plans": plans},
        "trainer_name": "nnUNetTrainer",
        "inference_allowed_mirroring_axes": axes,
    }
    torch.save(content, folder / "fold_0" / "checkpoint_final.pth")


def check(target: Path) -> bool:
    """Import each folder and compare its output; print the largest difference."""
    import os

    os.environ["TALLY_MODELS"] = str(target / "imported")
    from napari_tally import load_model
    from napari_tally.models.importing.importing import propose, save_proposal
    from napari_tally.models.importing.proposal import ImportSettings

    worst = 0.0
    for case in CASES:
        proposal = propose(target / case, ImportSettings(model_name=case))
        model = load_model(save_proposal(proposal, overwrite=True))
        known = np.load(target / f"{case}.npz")
        order = arguments(case)[2]
        back = [0, 1, *(2 + order.index(axis) for axis in range(3))]
        image, output = known["image"], known["output"]
        if image.ndim == 5:
            image, output = image.transpose(back), output.transpose(back)
        with torch.inference_mode():
            found = model.networks[0](torch.from_numpy(image.copy())).numpy()
        difference = float(np.abs(found - output).max())
        worst = max(worst, difference)
        print(f"{case:13} {difference:.1e} of {np.abs(output).max():.1f}  {proposal.understood[0]}")
    print(f"largest difference {worst:.1e}, limit {_LIMIT:.0e}")
    return worst <= _LIMIT


if __name__ == "__main__":
    command, folder = sys.argv[1], Path(sys.argv[2])
    if command == "make":
        make(folder)
    else:
        sys.exit(not check(folder))
