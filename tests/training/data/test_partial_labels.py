"""Labels of a part of an image: crops lie there, the rest is neither learnt nor scored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_tally.core.errors import InputError
from napari_tally.heads import Boundary, Panoptic, Semantic
from napari_tally.heads.panoptic import PanopticClass
from napari_tally.training.augment.augmentation import Augmentation
from napari_tally.training.data.partial_labels import scored, settled
from napari_tally.training.data.patch_sampler import Patches
from napari_tally.training.data.sample import Sample

PLAIN = Augmentation(share=0, zoom=(1, 1), zoom_share=0, turn_share=0)


def _labels() -> np.ndarray:
    """Return one object in the region's middle, one that it cuts, one painted beyond its end."""
    labels = np.zeros((40, 40), np.int32)
    labels[4:10, 4:10] = 1
    labels[4:10, 15:20] = 2
    labels[12:18, 15:24] = 3
    labels[30:36, 30:36] = 4
    return labels


def _region() -> np.ndarray:
    region = np.zeros((40, 40), bool)
    region[:20, :20] = True
    return region


def test_an_object_that_the_region_cuts_is_left_out_and_one_painted_beyond_is_not() -> None:
    labels = _labels()
    known = settled(Boundary(), labels, _region())
    assert set(np.unique(labels[known])) == {0, 1, 3}
    assert not known[:, 20:].any()


def test_classes_are_known_up_to_the_end_of_the_region() -> None:
    assert np.array_equal(settled(Semantic(), _labels() > 0, _region()), _region())


@pytest.mark.parametrize(
    ("region", "message"),
    [
        (np.zeros((40, 40), bool), "empty"),
        (_labels() == 2, "cuts every object"),
        (np.ones((9, 9), bool), "shape"),
    ],
)
def test_a_region_without_a_whole_object_is_refused(region, message) -> None:
    with pytest.raises(InputError, match=message):
        settled(Boundary(), _labels(), region)


def test_crops_lie_in_the_region_and_have_no_target_outside_of_it() -> None:
    image = np.zeros((1, 40, 40), np.float32)
    sample = Sample("a", image, _labels(), known=settled(Boundary(), _labels(), _region()))
    crops = Patches([sample], Boundary(), PLAIN, (8, 8), 30, seed=0)
    shares = [float(crops[i][1][0].isfinite().float().mean()) for i in range(30)]
    assert min(shares) > 0
    assert max(shares) == 1
    whole = Patches([sample], Boundary(), PLAIN, (40, 40), 1, seed=0)[0][1]
    assert whole[0].isfinite().sum() == sample.known.sum()


@pytest.mark.parametrize("shape", [(6, 7), (3, 4, 5)])
def test_every_known_voxel_is_drawn_as_often(shape) -> None:
    known = np.random.default_rng(1).random(shape) < 0.4
    known[1] = False
    sample = Sample("a", np.zeros((1, *shape), np.float32), np.zeros(shape, np.uint8), known=known)
    rng, drawn = np.random.default_rng(0), np.zeros(shape)
    for _ in range(100 * int(known.sum())):
        drawn[sample.known_place(rng)] += 1
    assert not drawn[~known].any()
    assert drawn[known].min() > 60 and drawn[known].max() < 150
    nothing = replace(sample, known=np.zeros(shape, bool))
    assert nothing.known_place(rng) is None


def test_crops_around_what_is_labelled_hold_something_of_it() -> None:
    labels = np.zeros((100, 100), np.int32)
    labels[50, 50] = 1
    labels[80:90, 3:9] = 2
    sample = Sample("a", labels[None].astype(np.float32), labels)
    crops = Patches([sample], Semantic(classes=("a", "b")), PLAIN, (16, 16), 40, 0, foreground=1)
    held = np.array([crops[i][1].amax((1, 2)).numpy() for i in range(40)])
    assert held[:, 1:].max(1).all()
    assert 10 <= held[:, 1].sum() <= 30  # the speck as often as the block


def test_what_is_found_where_nothing_is_known_counts_neither_for_nor_against() -> None:
    found = _labels()
    found[22:28, 2:8] = 5
    assert set(np.unique(scored(Boundary(), found, _region()))) == {0, 1, 2, 3}
    assert not scored(Semantic(), found, _region())[20:].any()
    assert np.array_equal(scored(Boundary(), found, None), found)


def test_objects_with_classes_are_scored_alike() -> None:
    classes = (PanopticClass(name="t", kind="stuff"), PanopticClass(name="c", kind="thing"))
    head = Panoptic(classes=classes)
    both = head.merged(_labels(), np.where(_labels() > 0, 2, 1))
    objects, kinds = head.split(scored(head, both, _region()))
    assert set(np.unique(objects)) == {0, 1, 2, 3}
    assert not kinds[25:].any() and (kinds[:3, :20] == 1).all()
