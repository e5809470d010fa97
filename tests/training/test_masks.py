"""Networks of transformers that return masks are fine-tuned with overlapping objects."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

import tiny_transformers as tiny

import napari_tally
from napari_tally.core.errors import InputError
from napari_tally.core.progress import drain
from napari_tally.core.run_lengths import encoded
from napari_tally.core.volume import Volume
from napari_tally.files import write
from napari_tally.models.importing.importing import propose, save_proposal
from napari_tally.models.importing.proposal import ImportSettings
from napari_tally.training.data.read_labelled import coco_steps
from napari_tally.training.masks.mask_augmentation import view
from napari_tally.training.masks.mask_sample import mask_sample
from napari_tally.training.plan.options import TrainingOptions
from napari_tally.training.train import run_folder, training_steps

SIZE = 64


@pytest.fixture
def start(tmp_path, monkeypatch) -> str:
    """Return the name of an imported Mask2Former."""
    monkeypatch.setenv("TALLY_MODELS", str(tmp_path / "models"))
    torch.manual_seed(0)
    folder = tiny.save(tiny.mask2former(train_num_points=64), tmp_path / "m2f")
    save_proposal(propose(folder, ImportSettings(model_name="own")))
    return "own"


def discs(shift: int = 0) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return an image of two discs that overlap, and their masks."""
    y, x = np.mgrid[:SIZE, :SIZE]
    masks = [np.hypot(y - 30, x - c - shift) < 14 for c in (20, 38)]
    image = np.sum([m * v for m, v in zip(masks, (90, 140), strict=True)], axis=0)
    return image.astype(np.uint8), masks


def coco(folder: Path, count: int = 5) -> Path:
    """Write images with COCO annotations of overlapping discs; return the JSON."""
    folder.mkdir()
    images, annotations = [], []
    for number in range(count):
        image, masks = discs(number)
        write(Volume(image, "YX"), folder / f"{number}.tif")
        images.append({"id": number, "file_name": f"{number}.tif", "height": SIZE, "width": SIZE})
        for k, mask in enumerate(masks):
            runs = np.asarray(encoded(mask)).tolist()
            annotations.append(
                {
                    "id": len(annotations) + 1, "image_id": number, "category_id": 1 + k,
                    "iscrowd": 0, "bbox": [0, 0, 1, 1], "area": int(mask.sum()),
                    "segmentation": {"counts": runs, "size": [SIZE, SIZE]},
                }
            )  # fmt: skip
    path = folder / "annotations.json"
    names = [{"id": 1, "name": "disc"}, {"id": 2, "name": "ball"}]
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": names}))
    return path


def labelled(tmp_path: Path, count: int = 5) -> list:
    path = coco(tmp_path / "images", count)
    return drain(coco_steps(path.parent, path))[0]


OPTIONS = {
    "start": "own", "steps": 4, "batch": 2, "device": "cpu", "class_names": ("disc", "ball"),
    "validation_names": ("4",),
}  # fmt: skip


def train(tmp_path: Path, name: str = "tuned", **options):
    pairs = options.pop("pairs", None) or labelled(tmp_path)
    steps = training_steps(pairs, tmp_path / name, TrainingOptions(**{**OPTIONS, **options}))
    return drain(steps)


def test_objects_that_overlap_are_whole_in_the_samples_and_their_views(start, tmp_path) -> None:
    pair = labelled(tmp_path, 1)[0]
    _, masks = discs()
    assert (masks[0] & masks[1]).sum() > 50
    sample = mask_sample(pair, napari_tally.load_model(start), (1, 2))
    found, classes = sample.masks()
    assert sample.image.shape == (3, SIZE, SIZE)
    assert classes.tolist() == [0, 1] and np.array_equal(found, masks)
    overlaps = []
    for seed in range(20):
        image, masks, classes = view(sample, (SIZE, SIZE), np.random.default_rng(seed))
        assert image.shape == (3, SIZE, SIZE) and masks.shape == (len(classes), SIZE, SIZE)
        brightness = [float(image[0][m].mean()) for m in masks]
        outside = image[0][~masks.any(axis=0)].mean() if len(masks) else 0
        assert all(inside > outside + 0.5 for inside in brightness)
        if len(masks) == 2:
            overlaps.append((masks[0] & masks[1]).sum())
    assert len(overlaps) > 10 and np.median(overlaps) > 30


def test_a_fine_tuned_network_is_a_model_with_the_new_classes(start, tmp_path) -> None:
    trained = train(tmp_path)
    assert trained.plan.new_classes and trained.plan.class_ids == (1, 2)
    assert trained.training.step == 4 and not run_folder(trained.folder).exists()
    model = napari_tally.load_model(trained.folder)
    assert model.info.head.classes == model.info.reading.classes == ("disc", "ball")
    assert model.info.source is None and "fine-tuned" in model.info.description
    outputs = model.session(np.zeros((3, SIZE, SIZE), np.float32))
    assert outputs["class_queries_logits"].shape == (1, 7, 3)
    result = napari_tally.segment(discs()[0], trained.folder, device="cpu")
    assert np.asarray(result.labels).shape == (SIZE, SIZE)
    card = (trained.folder / "docs" / "README.md").read_text()
    assert "fine-tuned from own" in card and "objects in 2D, which may overlap" in card


def test_labels_without_classes_are_of_one_class(start, tmp_path) -> None:
    image, masks = discs()
    labels = np.where(masks[1], 2, np.where(masks[0], 1, 0)).astype(np.uint8)
    pairs = [(image, labels), (image[::-1].copy(), labels[::-1].copy())]
    trained = napari_tally.train(
        pairs, tmp_path / "tuned", start="own", steps=2, batch=1, device="cpu"
    )
    assert trained.info.head.classes == ("object",)


def test_a_stopped_run_is_resumed_to_the_same_weights(start, tmp_path) -> None:
    from safetensors.torch import load_file

    pairs = labelled(tmp_path)
    want = load_file(
        train(tmp_path, "whole", pairs=pairs).folder / "models/model/model.safetensors"
    )
    options = TrainingOptions(**OPTIONS)
    steps = training_steps(pairs, tmp_path / "cut", options)
    seen = 0
    for step in steps:
        seen += step.stage == "train"
        if seen == 2:
            break
    steps.close()
    assert (tmp_path / "cut.training" / "last.pt").exists()
    assert napari_tally.load_model(tmp_path / "cut").info.head.classes == ("disc", "ball")
    found = train(tmp_path, "cut", pairs=pairs, resume=True)
    assert found.training.step == 4
    weights = load_file(found.folder / "models/model/model.safetensors")
    assert all(torch.allclose(weights[name], want[name], atol=1e-6) for name in want)


def test_the_loss_falls_on_images_that_are_seen_again(start, tmp_path) -> None:
    losses = train(tmp_path, steps=40, learning_rate=3e-3, patience=0).training.losses
    assert np.mean(losses[-8:]) < 0.8 * np.mean(losses[:4])


def test_other_models_of_masks_are_refused_in_a_sentence(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TALLY_MODELS", str(tmp_path / "models"))
    folder = tiny.save(tiny.MODELS["YOLOS"](), tmp_path / "yolos")
    save_proposal(propose(folder, ImportSettings(model_name="own")))
    with pytest.raises(InputError, match=r"own cannot be fine-tuned.*Mask2Former and MaskFormer"):
        train(tmp_path)


def test_a_segformer_folder_is_fine_tuned_as_a_network_of_ours(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TALLY_MODELS", str(tmp_path / "models"))
    names = {0: "background", 1: "disc"}
    torch.manual_seed(0)
    network = tiny.segformer(id2label=names, label2id={v: k for k, v in names.items()})
    folder = tiny.save(network, tmp_path / "segformer")
    save_proposal(propose(folder, ImportSettings(model_name="own")))
    image, masks = discs()
    labels = (masks[0] | masks[1]).astype(np.uint8)
    trained = napari_tally.train(
        [(image, labels), (image[::-1].copy(), labels[::-1].copy())], tmp_path / "tuned",
        start="own", steps=60, batch=2, patch=(SIZE, SIZE), device="cpu", learning_rate=5e-3,
    )  # fmt: skip
    assert trained.plan.architecture.name == "SegFormer"
    found = napari_tally.segment(image, trained.folder, device="cpu").classes.array > 0
    assert 2 * (found & (labels > 0)).sum() / (found.sum() + labels.sum()) > 0.8
