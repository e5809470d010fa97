"""Overlap-tile inference: equal to MONAI's, blind to the tile, and it survives lack of memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data.utils import compute_importance_map, dense_patch_slices
from monai.inferers import sliding_window_inference
from monai.inferers.utils import _get_scan_interval

from napari_tally.core.errors import InputError
from napari_tally.core.progress import drain
from napari_tally.network import tiled_inference
from napari_tally.network.architectures import UNet
from napari_tally.network.tile_layout import Tiling, TilingOptions, Windows
from napari_tally.network.tiled_inference import Inference


def _network(dims: int = 2) -> torch.nn.Module:
    torch.manual_seed(0)
    return UNet(spatial_dims=dims, channels=(4, 8), strides=(2,), out_channels=3).build().eval()


def _image(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float32)


def _inference(network, **options) -> Inference:
    return Inference(network, lambda x: x, 2, torch.device("cpu"), torch.float32, Tiling(**options))


class _Monai(Tiling):
    """MONAI's windows and weights."""

    mode: str = "constant"

    def windows(self, shape, stride):
        tile = (self.tile,) * len(shape)
        interval = _get_scan_interval(shape, tile, len(shape), (0.5,) * len(shape))
        slices = dense_patch_slices(shape, tile, interval)
        weight = compute_importance_map(tile, mode=self.mode, sigma_scale=0.125).numpy()
        return Windows(((0, 0),) * len(shape), slices, weight)


@pytest.mark.parametrize("mode", ["constant", "gaussian"])
@pytest.mark.parametrize("shape", [(50, 70), (20, 33, 41)])
def test_with_monais_windows_and_weights_it_equals_monai(mode, shape) -> None:
    network, image = _network(len(shape)), _image(*shape)
    ours = _inference(network)
    ours.tiling = _Monai(tile=16, mode=mode)
    with torch.inference_mode():
        theirs = sliding_window_inference(
            torch.from_numpy(image)[None], (16,) * len(shape), 1, network, overlap=0.5, mode=mode
        )
    assert np.abs(drain(ours.steps(image)) - theirs[0].numpy()).max() < 1e-5


def test_the_tile_does_not_change_the_maps() -> None:
    network, image = _network(), _image(150, 203)
    whole = drain(_inference(network, tile=512, halo=32, mirror=16).steps(image))
    tiled = drain(_inference(network, tile=96, halo=32, mirror=16).steps(image))
    assert np.abs(whole - tiled).max() < 1e-4


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (31, 33), (2, 5, 70)])
def test_any_shape_is_covered(shape) -> None:
    maps = drain(_inference(_network(len(shape)), tile=64, halo=8, mirror=4).steps(_image(*shape)))
    assert maps.shape == (3, *shape)
    assert np.isfinite(maps).all()


@pytest.mark.parametrize("size", [1, 40, 64, 65, 300, 1111])
def test_windows_are_aligned_and_divide_the_image(size) -> None:
    windows = Tiling(tile=128, halo=16, mirror=16).windows((size, 50), 16)
    (before, after), _ = windows.padding
    starts = {s[0].start for s in windows.slices}
    assert all(s % 16 == 0 for s in starts)
    assert max(s[0].stop for s in windows.slices) == before + size + after
    assert {s[0].stop - s[0].start for s in windows.slices} == {windows.weight.shape[0]}
    assert windows.weight.shape[0] <= 128
    assert before >= 16 and after >= 16


def test_a_step_comes_after_every_batch() -> None:
    steps = list(_inference(_network(), tile=64, halo=8).steps(_image(100, 100)))
    assert [s.done for s in steps] == list(range(1, steps[-1].total + 1))


class _Hungry(torch.nn.Module):
    """A network that runs out of memory above a number of voxels."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most, self.seen = most, []

    def forward(self, x):
        self.seen.append(tuple(x.shape))
        if x.numel() > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")
        return x


def test_out_of_memory_halves_the_window_and_goes_on() -> None:
    network, image = _Hungry(64 * 64), _image(200, 200)
    inference = _inference(network, tile=192, halo=8, mirror=0)
    notes = [s.note for s in inference.steps(image) if s.note]
    assert any("tiles of 96 px" in n for n in notes)
    assert np.allclose(drain(_inference(network, tile=192, halo=8).steps(image)), image, atol=1e-6)


def test_out_of_memory_halves_the_batch_first(monkeypatch) -> None:
    network, image = _Hungry(2 * 96 * 96), _image(300, 300)
    run = tiled_inference._Run(_inference(network, tile=96, halo=8, mirror=0), image)
    run.batch = 8
    monkeypatch.setattr(tiled_inference, "_Run", lambda *_: run)
    notes = [s.note for s in _inference(network).steps(image) if s.note]
    assert notes == [
        "Out of memory: continuing with 4 tiles at a time",
        "Out of memory: continuing with 2 tiles at a time",
    ]


def test_when_nothing_helps_it_says_so() -> None:
    with pytest.raises(MemoryError, match="smallest tiles on the CPU"):
        drain(_inference(_Hungry(0), tile=64, halo=8).steps(_image(64, 64)))


def test_other_errors_are_not_swallowed() -> None:
    class Broken(torch.nn.Module):
        def forward(self, x):
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        drain(_inference(Broken()).steps(_image(32, 32)))


def test_slices_of_a_stack_come_out_as_one_by_one() -> None:
    stack = np.random.default_rng(0).random((1, 5, 70, 90), np.float32)
    for tile in (64, 256):
        inference = _inference(_network(), tile=tile, halo=8)
        together = drain(inference.slices_steps(stack))
        alone = [drain(inference.steps(stack[:, z])) for z in range(5)]
        np.testing.assert_allclose(together, np.stack(alone, 1), atol=1e-6)


def test_without_mirrored_context_the_rest_of_the_stride_is_shared_by_both_ends() -> None:
    windows = Tiling(tile=64, halo=8, mirror=0).windows((35, 50, 200), 8)
    assert windows.padding[:2] == ((2, 3), (3, 3))
    assert windows.padding[2][0] == 0  # several windows: their origins stay on the stride
    assert Tiling(mirror=16).windows((35,), 8).padding == ((16, 21),)


def test_tiling_options_default_to_the_models_tiling() -> None:
    own = Tiling(tile=160, halo=24, mirror=8)
    assert TilingOptions().of(own) == own
    assert TilingOptions(halo=32).of(own) == Tiling(tile=160, halo=32, mirror=8)


def test_tiles_may_differ_by_axis() -> None:
    network, image = torch.nn.Conv3d(1, 3, 5, padding=2), _image(30, 70, 50)
    whole = drain(_inference(network, tile=128, halo=8, mirror=8).steps(image))
    tiling = {"tile": 64, "tiles": (16, 64, 32), "halo": 8, "mirror": 8, "exact": True}
    inference = _inference(network, **tiling)
    windows = inference.tiling.windows(image.shape[1:], 2)
    assert {tuple(s.stop - s.start for s in w) for w in windows.slices} == {(16, 64, 32)}
    tiled = drain(inference.steps(image))
    assert np.abs(whole - tiled).max() < 1e-5
    with pytest.raises(ValueError, match="need `exact`"):
        Tiling(tiles=(16, 32))
    with pytest.raises(InputError, match="16 x 64 x 32 px only"):
        TilingOptions(tile=32).of(inference.tiling)
    with pytest.raises(InputError, match="do not fit images with 2 axes"):
        inference.tiling.windows((64, 64), 2)
