"""The split: what belongs together stays together, and the same seed draws the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_tally.core.errors import InputError
from napari_tally.training.data.data_split import Split, groups_of, named_split, split_groups


def _paths(*names: str) -> dict[str, Path]:
    return {Path(n).stem: Path(n) for n in names}


def test_slices_of_one_volume_are_on_one_side() -> None:
    names = [f"{mouse}_z{z:03}" for mouse in "abcdefgh" for z in range(9)]
    split = split_groups(groups_of(_paths(*names)), seed=1, test=0.2)
    parts = [{n[0] for n in part} for part in (split.training, split.validation, split.test)]
    assert all(parts)
    assert sum(map(len, parts)) == 8
    assert sorted(split.training + split.validation + split.test) == sorted(names)


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (["a_z1", "a_z2", "b_z1"], {"a", "b"}),
        (["img_01", "img_02", "img_03", "img_04"], {"img_01", "img_02", "img_03", "img_04"}),
        (["1_01", "1_02", "2_01", "3_01", "4_01"], {"1", "2", "3", "4"}),
        (["p/1", "q/2", "r/3", "r/4"], {"p", "q", "r"}),
        (["cell", "dish"], {"cell", "dish"}),
    ],
)
def test_groups_follow_from_names(names, groups) -> None:
    assert set(groups_of(_paths(*names)).values()) == groups


def test_the_seed_decides_and_goes_to_json_and_back() -> None:
    groups = {str(i): str(i) for i in range(20)}
    split = split_groups(groups, seed=3)
    assert split == split_groups(groups, seed=3)
    assert split != split_groups(groups, seed=4)
    assert len(split.validation) == 4
    assert Split.model_validate_json(split.model_dump_json()) == split


def test_too_few_images_are_all_for_training_with_a_note() -> None:
    split = split_groups({"a": "a", "b": "b", "c": "c"})
    assert len(split.training) == 3 and not split.validation
    assert "fewer than 4 images (3). The last weights are used" in split.lines()[1]


def test_validation_images_can_be_named() -> None:
    split = named_split(["a", "b", "c"], ["b"])
    assert (split.training, split.validation) == (("a", "c"), ("b",))
    for wrong, problem in ((["x"], "no image .x."), (["a", "b", "c"], "none is left")):
        with pytest.raises(InputError, match=problem):
            named_split(["a", "b", "c"], wrong)


def test_of_many_images_twenty_are_for_validation_unless_a_share_is_given() -> None:
    groups = {f"v{i}": f"v{i}" for i in range(150)}
    assert len(split_groups(groups).validation) == 20
    assert len(split_groups(groups, validation=0.2).validation) == 30
