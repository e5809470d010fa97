"""Weights of a network for one with other channels."""

import torch

from napari_tally.network.adapt_weights import adapted_weights
from napari_tally.network.architectures import DynUNet

SMALL = DynUNet(filters=(4, 8, 8), kernel_size=(3, 3, 3), strides=(1, 2, 2))


def _network(**changes: int) -> torch.nn.Module:
    torch.manual_seed(0)
    return SMALL.model_copy(update=changes).build().eval()


def test_an_image_repeated_in_all_channels_gives_the_same_maps() -> None:
    one, three = _network(), _network(in_channels=3)
    state, new = adapted_weights(one.state_dict(), three)
    three.load_state_dict(state)
    image = torch.rand(1, 1, 16, 16)
    assert new == ()
    torch.testing.assert_close(three(image.repeat(1, 3, 1, 1)), one(image), atol=1e-5, rtol=1e-5)
    back, _ = adapted_weights(three.state_dict(), one)
    torch.testing.assert_close(dict(back), one.state_dict(), atol=1e-6, rtol=1e-5)


def test_layers_of_another_output_are_new() -> None:
    state, new = adapted_weights(_network().state_dict(), _network(out_channels=5))
    assert all("output_block" in name for name in new) and new
    _network(out_channels=5).load_state_dict(state)
