"""The plan: what the data are decides, in words, and every choice can be made otherwise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from napari_tally import Volume
from napari_tally.core.errors import InputError
from napari_tally.heads import Flow, Panoptic, Semantic
from napari_tally.network import hardware as machine_module
from napari_tally.network.hardware import Machine
from napari_tally.network.normalize import Percentile, Window
from napari_tally.training.data.label_kind import kind_of
from napari_tally.training.data.labelled_image import Labelled, check_all, in_planes
from napari_tally.training.plan.dataset_fingerprint import fingerprint
from napari_tally.training.plan.plan import Plan, make_plan
from napari_tally.training.plan.rules import choose_workers

CPU, GPU = Machine(kind="cpu", memory=8e9), Machine(kind="cuda", memory=4e10, cores=16)


def discs(seed: int = 0, shape=(96, 96), radius: float = 5, count: int = 6) -> np.ndarray:
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, np.uint16)
    grid = np.stack(np.indices(shape), -1)
    for i, point in enumerate(rng.uniform(radius, np.array(shape) - radius, (count, len(shape)))):
        labels[((grid - point) ** 2).sum(-1) < radius**2] = i + 1
    return labels


def pair(labels: np.ndarray, name: str = "a", spacing=None, unit="um", image=None) -> Labelled:
    axes = "ZYX"[-labels.ndim :]
    unit = unit if spacing else "px"
    seen = (labels > 0) * 100.0 if image is None else image
    axes_seen = "C" * (seen.ndim - labels.ndim) + axes
    return Labelled(name, Volume(seen, axes_seen, spacing, unit, name=name), Volume(labels, axes))


def plan_of(*pairs: Labelled, machine: Machine = CPU, **choices) -> Plan:
    return make_plan(fingerprint(check_all(pairs)), machine, **choices)


def test_touching_objects_get_the_head_that_scored_best_in_short_trainings() -> None:
    plan = plan_of(*(pair(discs(i), str(i)) for i in range(5)))
    assert isinstance(plan.head, Flow) and plan.ndim == 2
    assert plan.preprocessing.spacing is None
    assert plan.preprocessing.diameter.low < 10 < plan.preprocessing.diameter.high
    assert all(n % plan.architecture.stride == 0 for n in plan.patch)
    assert isinstance(plan.preprocessing.normalizer, Percentile)


def test_objects_too_large_for_a_patch_are_made_smaller() -> None:
    plan = plan_of(pair(discs(shape=(600, 600), radius=70)))
    assert plan.preprocessing.diameter.typical == 60
    assert plan.preprocessing.diameter.scale_for(140) == pytest.approx(60 / 140)
    calibrated = plan_of(pair(discs(shape=(600, 600), radius=70), spacing=(0.1, 0.1)))
    assert calibrated.preprocessing.spacing == pytest.approx((0.1 * 140 / 60,) * 2, rel=0.02)


@pytest.mark.parametrize(
    ("arrays", "kind"),
    [
        ([discs(0)], "instances"),
        ([discs(0) > 0], "classes"),
        ([(discs(0) > 0) * 255], "classes"),
        ([discs(i, count=2) for i in range(3)], "classes"),
        ([discs(i, count=40, radius=3) for i in range(3)], "instances"),
        ([discs(0, count=1)], "instances"),
    ],
)
def test_ids_tell_objects_from_classes(arrays, kind) -> None:
    assert kind_of([[plane] for plane in check_all([pair(a) for a in arrays])]) == kind


def test_few_objects_through_the_slices_of_a_stack_are_no_classes() -> None:
    labels = np.zeros((6, 40, 40), np.uint16)
    labels[1:5, 10:20, 10:20], labels[1:5, 20:30, 20:32] = 1, 2
    data = fingerprint(check_all([pair(labels, spacing=(40.0, 1.0, 1.0), unit="um")]))
    assert (data.ndim, data.kind) == (2, "instances")


def test_classes_with_gaps_in_their_ids_are_numbered_on_and_keep_their_ids_as_names() -> None:
    labels = np.array([0, 1, 2, 4])[discs(count=3)].astype(np.uint8)
    plan = make_plan(fingerprint(check_all([pair(labels)]), "classes"), CPU, class_names=["nerve"])
    assert plan.class_ids == (1, 2, 4)
    assert plan.head.classes == ("nerve", "class 2", "class 4")


def test_a_class_rarer_than_the_others_weighs_more() -> None:
    labels = np.zeros((64, 64), np.uint8)
    labels[:30, :30], labels[40:60, 40:60], labels[0, 63] = 1, 2, 3
    weights = make_plan(fingerprint(check_all([pair(labels)]), "classes"), CPU).head.weights
    assert weights[0] == 1 and weights[3] == 4 and weights[1] == 1
    assert plan_of(*(pair(discs(i, count=2), str(i)) for i in range(3))).head.weights == ()


def test_stacks_of_patients_get_their_median_voxel_and_lie_alike() -> None:
    labels = np.zeros((16, 40, 40), np.uint8)
    labels[4:12, 10:20, 10:20], labels[4:12, 20:30, 10:20] = 1, 2
    affine = np.diag([2.0, -1, -1, 1])
    made = []
    for i in range(3):
        one = pair(labels, str(i), (2.0, 1.0, 1.0), "mm")
        made.append(replace(one, image=replace(one.image, affine=affine)))
    plan = plan_of(*made)
    assert isinstance(plan.head, Semantic)
    p = plan.preprocessing
    assert (p.spacing, p.spacing_unit, p.orientation) == ((2, 1, 1), "mm", "RAS")
    assert plan.architecture.spatial_dims == 3
    assert not plan.recipe().augmentation.right_angles


@pytest.mark.parametrize(("shape", "norm"), [((24, 40, 40), "instance"), ((64, 96, 96), "batch")])
def test_a_network_sees_statistics_of_whole_images_or_none(shape, norm) -> None:
    labels = np.zeros(shape, np.uint8)
    labels[4:12, 10:20, 10:20], labels[4:12, 20:30, 10:20] = 1, 2
    data = fingerprint(check_all([pair(labels, spacing=(1.0, 1.0, 1.0))]), "classes")
    network = make_plan(data, CPU).architecture
    assert network.norm_name == norm
    assert network.deep_supervision and network.deep_supr_num == len(network.filters) - 2


def test_data_that_would_be_overfitted_are_strongly_augmented() -> None:
    small, large = discs(0, shape=(64, 64)), discs(0, shape=(700, 700))
    few = plan_of(*(pair(large, str(i)) for i in range(3)))
    seen_often = plan_of(*(pair(small, str(i)) for i in range(6)))
    enough = plan_of(*(pair(large, str(i)) for i in range(6)))
    assert (few.augmentation, seen_often.augmentation) == ("strong", "strong")
    assert enough.augmentation == "light"


def test_what_tells_left_from_right_is_not_mirrored() -> None:
    pairs = [pair(discs(i, count=2), str(i)) for i in range(3)]
    plain = plan_of(*pairs, class_names=("bright", "cleft")).recipe().augmentation
    sided = plan_of(*pairs, class_names=("left_eye", "Right eye")).recipe().augmentation
    assert plain.mirrored is None and sided.mirrored == ()


def test_slices_far_apart_are_resampled_and_not_turned_out_of_their_plane() -> None:
    labels = discs(shape=(10, 60, 60))
    plan = plan_of(pair(labels, spacing=(3.0, 0.5, 0.5)))
    assert plan.preprocessing.spacing == (1.5, 0.5, 0.5)


def test_mixed_spacings_are_resampled_to_the_median() -> None:
    spacings = [(0.2, 0.2), (0.3, 0.3), (0.6, 0.6)]
    data = fingerprint(check_all([pair(discs(i), str(i), s) for i, s in enumerate(spacings)]))
    assert data.mixed and data.spacing == (0.3, 0.3)
    assert any("resampled to the median" in line for line in data.lines())
    partly = fingerprint(check_all([pair(discs(0), "a", (0.2, 0.2)), pair(discs(1), "b")]))
    assert partly.spacing is None
    assert partly.lines()[-1] == "Calibration ignored: only 1 of 2 images have one"


def test_ct_gets_a_window_by_what_is_labelled() -> None:
    labels = discs(shape=(10, 40, 40))
    image = np.where(labels > 0, 60.0, -1000.0) + np.linspace(-20, 20, labels.size).reshape(
        labels.shape
    )
    plan = plan_of(pair(labels, spacing=(1, 1, 1), unit="mm", image=image))
    assert isinstance(plan.preprocessing.normalizer, Window)
    assert 30 < plan.preprocessing.normalizer.low < plan.preprocessing.normalizer.high < 90


def test_flat_images_among_stacks_make_slices_of_all() -> None:
    data = fingerprint(check_all([pair(discs(shape=(12, 40, 40))), pair(discs(), "b")]))
    assert data.ndim == 2 and data.images == 2


def test_stacks_of_which_some_slices_are_labelled_are_seen_by_slices() -> None:
    known = np.zeros((12, 40, 40), bool)
    known[[3, 7]] = True
    one = replace(pair(discs(shape=(12, 40, 40))), known=known)
    assert fingerprint(check_all([one])).ndim == 2
    assert [p.name for p in in_planes(check_all([one]), 2)] == ["a_z003", "a_z007"]
    known[3, :, 20:] = False
    assert fingerprint(check_all([replace(one, known=known)])).ndim == 3


def test_objects_with_classes_get_a_panoptic_plan() -> None:
    labels = discs()
    kinds = np.where(labels > 3, 2, 1).astype(np.uint8)
    one = replace(pair(labels), classes=Volume(kinds, "YX"))
    plan = plan_of(one, stuff=[1], class_names=("tissue", "cell"))
    assert isinstance(plan.head, Panoptic)
    assert [c.kind for c in plan.head.classes] == ["stuff", "thing"]


def test_a_gpu_gets_wider_networks_larger_crops_and_more_steps() -> None:
    pairs = [pair(discs(i, shape=(400, 400), radius=30), str(i)) for i in range(3)]
    small, large = (plan_of(*pairs, machine=m) for m in (CPU, GPU))
    assert large.architecture.filters[0] > small.architecture.filters[0]
    assert np.prod(large.patch) > np.prod(small.patch)
    assert large.steps > small.steps


@pytest.mark.parametrize(
    ("kind", "cores", "workers"), [("cpu", 2, 0), ("cpu", 3, 3), ("cpu", 8, 4), ("cuda", 2, 1)]
)
def test_processes_make_crops_where_there_are_cores_for_them(kind, cores, workers) -> None:
    assert Machine(kind=kind, cores=cores).workers == workers


def test_the_processes_of_a_team_share_cores_and_memory(monkeypatch) -> None:
    monkeypatch.setattr(machine_module, "available_cores", lambda: 16)
    alone = Machine.here("cpu")
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "run")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    shared = Machine.here("cpu")
    assert (alone.cores, shared.cores) == (16, 4)
    assert shared.free == pytest.approx(alone.free / 4, rel=0.2)


def test_processes_make_no_crops_for_a_few_steps_or_where_their_images_do_not_fit() -> None:
    machine = Machine(cores=4, free=8e9)
    data = fingerprint(check_all([pair(discs(0), "a")]), "instances")
    many = data.model_copy(update={"images": 10_000, "shape": (512, 512)})
    assert choose_workers(data, machine, 1500) == 4
    assert choose_workers(data, machine, 100) == 0
    assert choose_workers(many, machine, 1500) == 0


def test_little_memory_makes_small_batches() -> None:
    assert plan_of(pair(discs()), machine=Machine(kind="cpu", memory=1e7)).batch == 1


def test_the_network_of_a_plan_gives_the_maps_of_its_head() -> None:
    for labels in (discs(), discs(shape=(12, 24, 24))):
        plan = plan_of(pair(labels))
        image = torch.zeros(1, 1, *(plan.architecture.stride,) * plan.ndim)
        maps = plan.architecture.build().eval()(image)
        assert maps.shape[1] == plan.head.channels(plan.ndim)


def test_every_choice_can_be_changed_and_goes_to_json_and_back() -> None:
    plan = plan_of(pair(discs())).changed(steps=40, augmentation="none", batch=None)
    assert (plan.steps, plan.epoch, plan.augmentation) == (40, 25, "none")
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
    assert plan.recipe(seed=5).seed == 5
    with pytest.raises(ValidationError):
        plan.changed(patch=(7, 7)).recipe()


def test_a_plan_is_described_in_words() -> None:
    text = "\n".join(plan_of(pair(discs(), spacing=(0.5, 0.5))).lines())
    for part in ("objects in 2D", "voxels of 0.5 x 0.5 um", "DynUNet of", "steps of", "strong"):
        assert part in text


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([], "no labelled images"),
        ([pair(np.zeros((20, 20), np.uint8))], "labels are empty"),
        (
            [replace(pair(discs()), labels=Volume(discs(shape=(30, 96)), "YX"))],
            "labels of a have shape",
        ),
        ([replace(pair(discs()), known=np.ones((3, 3), bool))], "mask of a has shape"),
        ([pair(discs() > 0, image=discs() > 0)], "is a mask"),
        (
            [pair(discs(), n, image=np.zeros((2 + (n == "d"), 96, 96))) for n in "abcd"],
            r"3 of 2 and 1 of 3 \(d\)",
        ),
    ],
    ids=["none", "background", "shape", "mask", "no intensities", "channels"],
)
def test_unusable_images_are_refused(pairs, message) -> None:
    with pytest.raises(InputError, match=message):
        check_all(pairs)


def test_a_plan_of_the_first_format_is_read_and_one_of_a_later_format_refused() -> None:
    plan = plan_of(pair(discs()))
    now = plan.model_dump(mode="json")
    first = {k: v for k, v in now.items() if k not in ("format", "preprocessing")}
    assert Plan.model_validate(first | now["preprocessing"]) == plan
    with pytest.raises(ValidationError, match="format 3, but this version reads up to 2"):
        Plan.model_validate(now | {"format": 3})
