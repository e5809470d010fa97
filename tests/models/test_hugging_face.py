"""Hugging Face folders of every family are imported, run, and agree with transformers' own code."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

import tiny_transformers as tiny

import napari_tally
from napari_tally.core.errors import FileError, ModelError
from napari_tally.mask_sets.frame import Frame
from napari_tally.models.importing.importing import propose, save_proposal
from napari_tally.models.importing.proposal import ImportSettings

SHAPE = (96, 128)


@pytest.fixture(autouse=True)
def own_models(tmp_path, monkeypatch):
    monkeypatch.setenv("TALLY_MODELS", str(tmp_path / "models"))


def imported(folder: Path, **settings) -> napari_tally.Model:
    proposal = propose(folder, ImportSettings(**settings))
    return napari_tally.load_model(save_proposal(proposal).name)


def folder_of(family: str, path: Path, **processor) -> Path:
    torch.manual_seed(1)
    return tiny.save(tiny.MODELS[family](), path / "folder", processor or None)


def confident(folder: Path) -> None:
    """Make the class maps of a network of random weights differ clearly."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    for name in weights:
        if "classifier" in name or "head.head.4" in name:
            weights[name] *= 1000
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def picture(channels: int = 3) -> np.ndarray:
    shape = (*SHAPE, channels) if channels > 1 else SHAPE
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def original(folder: Path) -> torch.nn.Module:
    import transformers

    name = json.loads((folder / "config.json").read_text())["architectures"][0]
    return getattr(transformers, name).from_pretrained(folder, local_files_only=True).eval()


def task_of(folder: Path) -> torch.Tensor:
    """Return the task of OneFormer as its processor makes it."""
    from transformers import CLIPTokenizer, OneFormerImageProcessorPil, OneFormerProcessor

    tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    processor = OneFormerProcessor.__new__(OneFormerProcessor)
    processor.tokenizer, processor.image_processor = tokenizer, OneFormerImageProcessorPil
    return processor._preprocess_text(["the task is instance"], max_length=8)


@pytest.mark.parametrize("family", tiny.MODELS)
def test_every_family_is_imported_and_gives_the_outputs_of_its_own_class(family, tmp_path) -> None:
    folder = folder_of(family, tmp_path)
    model = imported(folder, model_name="own")
    assert model.info.head.classes == ("nucleus", "cell", "debris")
    shape = (64, 64)
    image = np.random.default_rng(2).normal(size=(3, *shape)).astype(np.float32)
    pixels = torch.from_numpy(image[None])
    with torch.inference_mode():
        task = {"task_inputs": task_of(folder)} if family == "OneFormer" else {}
        theirs = original(folder)(pixel_values=pixels, **task)
        if model.info.runtime is None:
            ours = model.network(pixels)[:, 1:]
            want = torch.nn.functional.interpolate(theirs.logits, shape, mode="bilinear")
            np.testing.assert_allclose(ours, want, atol=1e-5)
            return
    found = model.session(image)
    assert set(found) == set(model.info.reading.outputs)
    if model.info.reading.kind == "maps":
        theirs = {"logits": torch.nn.functional.interpolate(theirs.logits, shape, mode="bilinear")}
    for name, array in found.items():
        np.testing.assert_allclose(array, theirs[name].numpy(), atol=1e-5)


@pytest.mark.parametrize("family", ["SegFormer", "UPerNet"])
def test_class_maps_are_those_of_transformers(family, tmp_path) -> None:
    folder = folder_of(family, tmp_path, do_normalize=True, size={"height": 64, "width": 64})
    confident(folder)
    model = imported(folder, model_name="own")
    image = np.random.default_rng(2).normal(size=(3, 64, 64)).astype(np.float32)
    with torch.inference_mode():
        logits = original(folder)(pixel_values=torch.from_numpy(image[None])).logits
        want = torch.nn.functional.interpolate(logits, (64, 64), mode="bilinear")[0]
        maps = model.activate(model.network(torch.from_numpy(image[None])))[0].numpy()
    found = model.info.head.decode(maps.astype(np.float32))
    # As post_process_semantic_segmentation does it.
    best, second = want.topk(2, dim=0).values
    sure = (best - second > 0.01).numpy()
    assert sure.mean() > 0.9
    assert np.array_equal(found[sure] - 1, want.argmax(0).numpy()[sure])


@pytest.mark.parametrize("family", ["Mask2Former", "MaskFormer"])
def test_instances_are_those_of_transformers(family, tmp_path) -> None:
    from transformers import Mask2FormerImageProcessorPil

    folder = folder_of(family, tmp_path)
    model = imported(folder, model_name="own")
    network = original(folder)
    image = np.random.default_rng(2).normal(size=(3, 64, 64)).astype(np.float32)
    with torch.inference_mode():
        outputs = network(pixel_values=torch.from_numpy(image[None]))
    # Confident masks: the mean probability of theirs is that of enlarged ones.
    outputs.masks_queries_logits = (outputs.masks_queries_logits - 1e-3) * 1e5
    outputs.class_queries_logits = 4 * torch.randn(outputs.class_queries_logits.shape)
    (want,) = Mask2FormerImageProcessorPil().post_process_instance_segmentation(
        outputs, threshold=0.5, return_binary_maps=True, target_sizes=[(384, 384)]
    )
    reading = model.info.reading
    arrays = {name: outputs[name].numpy() for name in reading.outputs}
    found = reading.read(arrays, Frame.stretched((384, 384), (64, 64))).objects
    scores = sorted((s["score"] for s in want["segments_info"]), reverse=True)
    assert len(found) == len(scores) > 0
    np.testing.assert_allclose(np.sort(found.scores)[::-1], scores, atol=0.02)


@pytest.mark.parametrize("family", ["SegFormer", "BEiT"])
def test_a_model_of_classes_segments_by_name(family, tmp_path) -> None:
    imported(folder_of(family, tmp_path), model_name="own")
    result = napari_tally.segment(picture(), "own", device="cpu")
    assert np.asarray(result.classes.array).shape == SHAPE


def test_without_a_background_class_no_pixel_is_background(tmp_path) -> None:
    imported(folder_of("SegFormer", tmp_path), model_name="own")
    result = napari_tally.segment(picture(), "own", device="cpu")
    assert np.asarray(result.classes.array).min() > 0


def test_a_first_class_named_background_is_the_background(tmp_path) -> None:
    names = {0: "background", 1: "cell"}
    model = tiny.segformer(id2label=names, label2id={v: k for k, v in names.items()})
    own = imported(tiny.save(model, tmp_path / "folder"), model_name="own")
    assert own.info.head.class_names == ("cell",) and own.architecture.out_channels == 2


def test_names_of_classes_can_be_given(tmp_path) -> None:
    own = imported(folder_of("UPerNet", tmp_path), model_name="own", classes=("a", "b"))
    assert own.info.head.class_names == ("a", "b") and own.info.reading.background == "first"
    with pytest.raises(ModelError, match="3 classes, but 4 names"):
        propose(tmp_path / "folder", ImportSettings(classes=("a", "b", "c", "d")))


def test_the_input_is_that_of_the_preprocessor(tmp_path) -> None:
    folder = folder_of(
        "Mask2Former", tmp_path, do_rescale=True, rescale_factor=0.5, do_normalize=True,
        image_mean=[1, 2, 3], image_std=[4, 5, 6], size={"shortest_edge": 80, "longest_edge": 100},
        size_divisor=32,
    )  # fmt: skip
    p = imported(folder, model_name="own").info.preprocessing
    assert (p.normalizer.scale, p.normalizer.mean, p.normalizer.std) == (0.5, (1, 2, 3), (4, 5, 6))
    assert (p.frame.fit, p.frame.shortest, p.frame.longest, p.frame.multiple) == (
        "pad", 80, 100, 32,
    )  # fmt: skip
    assert p.channels == ("red", "green", "blue")


def test_the_user_can_correct_the_input(tmp_path) -> None:
    folder = folder_of("Mask2Former", tmp_path)
    own = imported(
        folder, model_name="own", channels=("blue", "green", "red"), normalizer={"name": "z-score"},
        input_size=96, object_size=20,
    )  # fmt: skip
    p = own.info.preprocessing
    assert p.channels == ("blue", "green", "red") and p.normalizer.name == "z-score"
    assert (p.frame.longest, p.frame.multiple) == (96, 32) and p.diameter.typical == 20
    with pytest.raises(ModelError, match="takes 3 channels, but 1 names"):
        propose(folder, ImportSettings(channels=("grey",)))


def test_a_normalizer_is_read_from_json_and_by_name() -> None:
    given = ImportSettings(normalizer='{"name": "window", "low": 0, "high": 9}').normalizer
    assert (given.name, given.high) == ("window", 9)
    assert ImportSettings(normalizer="z-score").normalizer.name == "z-score"


def test_channels_are_turned_where_the_preprocessor_does(tmp_path) -> None:
    folder = folder_of(
        "MobileViT", tmp_path, do_flip_channel_order=True, size={"shortest_edge": 64}
    )
    p = imported(folder, model_name="own").info.preprocessing
    assert p.channels == ("blue", "green", "red") and p.normalizer.mean == (0,)


def test_reduced_labels_make_queries_class_maps(tmp_path) -> None:
    from transformers import Mask2FormerImageProcessorPil

    folder = folder_of("Mask2Former", tmp_path, do_reduce_labels=True)
    model = imported(folder, model_name="own")
    assert model.info.reading.name == "query-maps"
    image = np.random.default_rng(2).normal(size=(3, 64, 64)).astype(np.float32)
    with torch.inference_mode():
        outputs = original(folder)(pixel_values=torch.from_numpy(image[None]))
    (want,) = Mask2FormerImageProcessorPil().post_process_semantic_segmentation(outputs)
    arrays = {name: outputs[name].numpy() for name in model.info.reading.outputs}
    maps = torch.from_numpy(model.info.reading.maps(arrays))[None, 1:]
    found = torch.nn.functional.interpolate(maps, want.shape, mode="bilinear")[0].argmax(0)
    assert (found == want).float().mean() > 0.98


def test_one_channel_and_no_preprocessor(tmp_path) -> None:
    folder = tiny.save(tiny.segformer(num_channels=1), tmp_path / "folder")
    (folder / "preprocessor_config.json").unlink()
    proposal = propose(folder, ImportSettings())
    assert proposal.info.preprocessing.channels == ("image",)
    assert any("no preprocessor_config.json" in text for text in proposal.warnings)


def test_the_card_states_licence_and_data(tmp_path) -> None:
    folder = folder_of("SegFormer", tmp_path)
    (folder / "README.md").write_text(
        "---\nlicense: other\nlicense_name: nvidia\ndatasets:\n- cells_1\n- cells_2\ntags: [x]\n"
        "---\n# Cells\n"
    )
    proposal = propose(folder, ImportSettings())
    assert proposal.info.licence == "nvidia" and proposal.card == "# Cells\n"
    assert proposal.info.source.trained_on == "cells_1, cells_2 (3 classes)"


def test_split_weights_are_joined(tmp_path) -> None:
    torch.manual_seed(1)
    network = tiny.mask2former()
    folder = tiny.save(network, tmp_path / "folder")
    (folder / "model.safetensors").unlink()
    network.save_pretrained(folder, max_shard_size="100KB")
    assert (folder / "model.safetensors.index.json").is_file()
    image = np.zeros((3, 64, 64), np.float32)
    found = imported(folder, model_name="own").session(image)
    with torch.inference_mode():
        want = network.eval()(pixel_values=torch.from_numpy(image[None])).class_queries_logits
    np.testing.assert_allclose(found["class_queries_logits"], want, atol=1e-5)


def test_a_repository_in_the_cache_is_followed_to_its_blobs(tmp_path) -> None:
    plain = folder_of("UPerNet", tmp_path)
    cached = tmp_path / "models--acme--cells"
    (cached / "blobs").mkdir(parents=True)
    snapshot = cached / "snapshots" / "abc123"
    snapshot.mkdir(parents=True)
    for number, file in enumerate(sorted(plain.iterdir())):
        shutil.copy(file, cached / "blobs" / str(number))
        (snapshot / file.name).symlink_to(f"../../blobs/{number}")
    for path in (cached, snapshot):
        assert propose(path, ImportSettings()).info.name == "cells"
    model = imported(cached)
    copied = model.folder / model.info.runtime.file / "model.safetensors"
    assert copied.is_file() and not copied.is_symlink()


def test_a_link_out_of_the_folder_is_refused(tmp_path) -> None:
    folder = folder_of("UPerNet", tmp_path)
    (folder / "preprocessor_config.json").unlink()
    (tmp_path / "secret.json").write_text("{}")
    (folder / "preprocessor_config.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(ModelError, match="link out of the folder"):
        propose(folder, ImportSettings())


def test_pickled_weights_become_safetensors_if_they_are_tensors_alone(tmp_path) -> None:
    folder = folder_of("UPerNet", tmp_path)
    weights = original(folder).state_dict()
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    model = imported(folder, model_name="own")
    assert sorted(p.suffix for p in (model.folder / model.info.runtime.file).iterdir()) == [
        ".json", ".json", ".safetensors",
    ]  # fmt: skip


class Runs:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path) -> None:
    folder = folder_of("UPerNet", tmp_path)
    (folder / "model.safetensors").unlink()
    torch.save({"weight": Runs(tmp_path / "ran")}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="would run code"):
        propose(folder, ImportSettings())
    assert not (tmp_path / "ran").exists()


def changed(folder: Path, **fields) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    return folder


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"auto_map": {"AutoModel": "model.Evil"}}, "asks for code of its own"),
        ({"quantization_config": {"quant_method": "x"}}, "quantized weights"),
        ({"_attn_implementation": "someone/kernel"}, "attention kernel of its own"),
        ({"backbone": "resnet50", "backbone_config": None}, "names a backbone .resnet50."),
        ({"use_timm_backbone": True, "backbone_config": None}, "names a backbone"),
        ({"backbone_config": {"model_type": "timm_backbone"}}, "package timm"),
        ({"architectures": ["AutoModel"]}, "cannot be run here"),
        ({"architectures": None}, "does not name the class"),
        ({"hidden_size": 10**12}, "too large for a network"),
        ({"num_hidden_layers": 10**6}, "too large for a network"),
        ({"hidden_size": "wide"}, "cannot be built"),
        ({"id2label": {"0": "a", "1": "b", "2": "c", "3": "d"}}, "have another shape"),
        ({"id2label": {"x": "a"}}, "not whole numbers"),
        ({"num_channels": -1, "backbone_config": None}, "num_channels"),
    ],
)
def test_a_configuration_that_asks_for_more_is_refused(fields, message, tmp_path) -> None:
    folder = changed(folder_of("UPerNet", tmp_path), **fields)
    with pytest.raises(ModelError, match=message):
        propose(folder, ImportSettings())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"image_mean": [0.1, 0.2]}, "image_mean"),
        ({"image_std": 0}, "std must be positive"),
        ({"rescale_factor": "x"}, "rescale_factor"),
        ({"size": {"height": -3, "width": 5}}, "no size"),
        ({"size": [1, 2]}, "sets size"),
    ],
)
def test_a_preprocessor_that_does_not_fit_is_refused(fields, message, tmp_path) -> None:
    folder = folder_of("Mask2Former", tmp_path, **fields)
    with pytest.raises((ModelError, ValueError), match=message):
        propose(folder, ImportSettings())


def test_missing_and_unknown_weights_are_refused(tmp_path) -> None:
    from safetensors.torch import load_file, save_file

    folder = folder_of("UPerNet", tmp_path)
    file = folder / "model.safetensors"
    weights = load_file(file)
    name = next(n for n in weights if n.endswith("classifier.weight"))
    save_file({n: w for n, w in weights.items() if n != name}, file)
    with pytest.raises(ModelError, match="1 are missing"):
        propose(folder, ImportSettings())
    save_file(weights | {"more": torch.zeros(2)}, file)
    with pytest.raises(ModelError, match="1 are not used, such as more"):
        propose(folder, ImportSettings())


def test_damaged_files_are_refused(tmp_path) -> None:
    folder = folder_of("UPerNet", tmp_path)
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="cannot be read"):
        propose(folder, ImportSettings())
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="no weights"):
        propose(folder, ImportSettings())
    index = {"weight_map": {"a": "../other.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match="no file of weights"):
        propose(folder, ImportSettings())
    (folder / "config.json").write_text("{")
    with pytest.raises((ModelError, FileError)):
        propose(folder, ImportSettings())


def test_the_hub_is_never_asked(tmp_path, monkeypatch) -> None:
    import socket

    def refused(*args, **kwargs):
        raise AssertionError("the network was used")

    folder = folder_of("DETR boxes", tmp_path)
    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    imported(folder, model_name="own")
    for fields in ({"backbone_config": None}, {"backbone_config": None, "backbone": None}):
        with pytest.raises(ModelError, match=r"backbone|parameters"):
            propose(changed(folder, use_timm_backbone=None, **fields), ImportSettings())
