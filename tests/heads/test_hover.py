"""HoVer-Net's maps become the objects of MONAI's own decoding."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, label

from napari_tally.heads import Hover, object_heads


def _maps(labels: np.ndarray, noise: float) -> np.ndarray:
    """Return the maps of a network for labels: offsets from -1 to 1 across each object."""
    rng = np.random.default_rng(0)
    maps = np.zeros((4, *labels.shape), np.float32)
    maps[1] = labels > 0
    for i in range(1, labels.max() + 1):
        at = np.argwhere(labels == i)
        for axis, away in enumerate((at - at.mean(0)).T):
            maps[(2 + axis, *at.T)] = away / max(np.abs(away).max(), 1)
    maps[1:] += rng.normal(size=maps[1:].shape, scale=noise)
    maps[1] = np.clip(maps[1], 0, 1)
    maps[0] = 1 - maps[1]
    return maps


@pytest.mark.parametrize(
    ("kernel", "border", "noise"), [(5, 0.4, 0.02), (3, 0.7, 0.02), (5, 0.4, 0.1)]
)
def test_objects_are_those_of_monai(kernel, border, noise) -> None:
    import torch
    from monai.apps.pathology.transforms.post.array import HoVerNetInstanceMapPostProcessing

    blobs = gaussian_filter(np.random.default_rng(0).normal(size=(160, 200)), 4)
    maps = _maps(label(blobs > 0.02)[0], noise)
    decode = HoVerNetInstanceMapPostProcessing(sobel_kernel_size=kernel, marker_threshold=border)
    # MONAI differentiates its first channel along the last axis.
    logits = torch.from_numpy(np.log(np.clip(maps[:2], 1e-6, 1)))
    _, expected = decode(logits, torch.from_numpy(maps[2:][::-1].copy()))
    found = Hover(kernel=kernel, border=border).decode(maps)
    assert found.max() >= 4
    np.testing.assert_array_equal(found, np.asarray(expected)[0])


def test_two_touching_objects_are_separated() -> None:
    labels = np.zeros((40, 60), int)
    labels[10:30, 10:30], labels[10:30, 30:50] = 1, 2
    found = Hover().decode(_maps(labels, 0.0))
    assert found.max() == 2
    agree = max(np.mean(found == labels), np.mean(found == np.where(labels, 3 - labels, 0)))
    assert agree > 0.99


def test_nothing_is_found_in_an_empty_image_and_constant_offsets_are_no_error() -> None:
    maps = np.zeros((4, 32, 32), np.float32)
    maps[0] = 1
    assert Hover().decode(maps).max() == 0


def test_training_does_not_offer_it() -> None:
    assert "hover" not in object_heads() and "center" in object_heads()
