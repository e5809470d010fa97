"""Object sizes by consistency: the finest scale at which what is found fits its maps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from skimage.draw import disk
from skimage.measure import label

from napari_tally.core.progress import Step, drain
from napari_tally.heads import Flow
from napari_tally.heads.flow import FLOW
from napari_tally.models.preprocessing import DiameterRange
from napari_tally.segmentation.setup.object_size_by_consistency import consistent_size_steps

HEAD = Flow()
SIZES = DiameterRange(low=18, typical=30, high=45)


class Network:
    """Finds discs, but has consistent maps only of those of 12 to 60 px."""

    def steps(self, image: np.ndarray) -> Iterator[Step]:
        labels = label(image[0] > 0.5)
        maps = HEAD.encode(labels)
        size = np.sort(np.bincount(labels.ravel())[1:])
        diameter = 2 * np.sqrt(np.median(size) / np.pi) if len(size) else 0
        if not 12 < diameter < 60:
            maps[FLOW:] = np.random.default_rng(0).standard_normal(maps[FLOW:].shape)
        yield Step("network", 1, 1)
        return maps


def discs(diameter: float, side: int = 512) -> np.ndarray:
    image = np.zeros((1, side, side), np.float32)
    pitch = int(1.4 * diameter)
    for y in range(pitch // 2, side, pitch):
        for x in range(pitch // 2, side, pitch):
            image[0][disk((y, x), diameter / 2, shape=image.shape[1:])] = 1
    return image


def estimated(image: np.ndarray) -> tuple[float | None, float]:
    steps = consistent_size_steps(
        image,
        Network(),  # type: ignore[arg-type]
        HEAD.decode,
        SIZES,
        HEAD.consistent_share,
    )
    size = drain(steps)
    return size.diameter, size.scale


@pytest.mark.parametrize("diameter", [14, 24, 40, 90, 160])
def test_the_diameter_is_found_at_the_scale_at_which_the_network_is_consistent(
    diameter: float,
) -> None:
    found, scale = estimated(discs(diameter))
    assert found == pytest.approx(diameter, rel=0.15)
    assert scale == SIZES.scale_for(found)


def test_an_empty_image_has_no_size_and_keeps_its_scale() -> None:
    assert estimated(np.zeros((1, 300, 200), np.float32)) == (None, 1.0)


def test_an_image_smaller_than_a_probe_is_estimated() -> None:
    assert estimated(discs(16, 20))[1] > 0


def test_random_flow_is_inconsistent_and_perfect_flow_is_not() -> None:
    maps = HEAD.encode(label(discs(30)[0] > 0.5))
    covered = float((maps[0] < 0.5).mean())
    assert HEAD.consistent_share(maps) == pytest.approx(covered, abs=0.01)
    maps[FLOW:] = np.random.default_rng(0).standard_normal(maps[FLOW:].shape)
    assert HEAD.consistent_share(maps) < 0.1 * covered
