"""Architectures: each is built from its options and read back from a bundle's definition."""

from __future__ import annotations

import pytest
import torch

from napari_tally.core.errors import ModelError
from napari_tally.network.architectures import (
    AttentionUnet,
    BasicUNet,
    DynUNet,
    SegResNet,
    UNet,
    from_definition,
)

SMALL = [
    UNet(channels=(4, 8), strides=(2,)),
    BasicUNet(features=(4, 4, 8, 8, 8, 4)),
    DynUNet(kernel_size=(3, 3, 3), strides=(1, 2, 2), filters=(4, 8, 8)),
    DynUNet(
        kernel_size=(3, 3, 3, 3),
        strides=(1, 2, 2, 2),
        filters=(4, 8, 8, 8),
        deep_supervision=True,
        deep_supr_num=2,
    ),
    SegResNet(init_filters=8, blocks_down=(1, 1), blocks_up=(1,)),
    AttentionUnet(channels=(4, 8), strides=(2,)),
]


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("options", SMALL, ids=lambda a: a.name)
def test_every_architecture_runs_in_2d_and_3d(options, dims) -> None:
    options = options.model_copy(update={"spatial_dims": dims, "out_channels": 5})
    size = 2 * options.stride
    with torch.inference_mode():
        out = options.build().eval()(torch.zeros(1, 1, *(size,) * dims))
    assert out.shape == (1, 5, *(size,) * dims)


@pytest.mark.parametrize("options", SMALL, ids=lambda a: a.name)
def test_a_definition_is_read_back(options) -> None:
    assert from_definition(options.definition()) == options


def test_batch_norm_is_the_default() -> None:
    kinds = {type(m).__name__ for m in UNet().build().modules()}
    assert "BatchNorm2d" in kinds and "InstanceNorm2d" not in kinds


@pytest.mark.parametrize(
    "definition",
    [
        {"_target_": "os.system", "command": "true"},
        {"_target_": "monai.networks.nets.ViT"},
        {"_target_": "monai.networks.nets.UNet", "channels": "$__import__('os').getcwd()"},
        {"_target_": "monai.networks.nets.UNet", "unknown": 1},
        {},
    ],
)
def test_what_is_not_listed_is_refused_in_a_sentence(definition) -> None:
    with pytest.raises(ModelError, match=r"Models cannot use the network|plain values"):
        from_definition(definition)
