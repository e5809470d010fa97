"""Results folders of nnU-Net v2 become models of ours; whatever is wrong ends in a sentence."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import torch
from tests.nnunet_folders import make_results, network

import napari_tally
from napari_tally.core.errors import ModelError, TallyError
from napari_tally.models.importing.importing import propose, save_proposal
from napari_tally.models.importing.proposal import ImportSettings
from napari_tally.network.normalize import NnUNet

NAME = "nnUNetTrainer__nnUNetPlans__3d_fullres"


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("TALLY_MODELS", str(tmp_path / "models"))
    return tmp_path / "Dataset007_Organs" / NAME


def imported(folder, **settings):
    return napari_tally.load_model(save_proposal(propose(folder, ImportSettings(**settings))))


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("residual", [False, True])
def test_the_network_has_the_weights_of_the_checkpoint(results, dims, residual) -> None:
    architecture = network(dims, residual=residual)
    (weights,) = make_results(results, architecture)
    model = imported(results)
    assert model.architecture == architecture
    own = architecture.build().eval()
    own.load_state_dict(weights)
    image = torch.randn(1, 1, *(8, 16, 16)[-dims:])
    with torch.inference_mode():
        torch.testing.assert_close(model.networks[0](image), own(image), atol=1e-6, rtol=0)


def test_it_says_what_it_understood(results) -> None:
    make_results(results, folds=3)
    proposal = propose(results, ImportSettings())
    text = "\n".join(proposal.understood)
    assert "nnU-Net v2, 3d_fullres, 3 folds: PlainConvUNet of 3 stages" in text
    assert "voxels of 2 x 0.8 x 0.8 mm" in text and "Classes: organ, tumour" in text
    assert "CT clipped to -100 to 240, then mean 50, std 30" in text
    assert "8 mirrored copies (Z, Y, X)" in text and "8 x 16 x 16 px" in text
    assert proposal.info.name == "Dataset007_Organs-3d_fullres"
    assert "The folder states no licence" in proposal.warnings


def test_folds_are_an_ensemble_and_one_can_be_chosen(results) -> None:
    make_results(results, folds=2)
    assert len(imported(results, model_name="both").networks) == 2
    assert len(imported(results / "fold_1", model_name="second").networks) == 1
    file = results / "fold_1" / "checkpoint_final.pth"
    assert len(imported(file, model_name="third").networks) == 1
    assert len(imported(results.parent, model_name="above").networks) == 2


def test_old_plans_give_the_same_network(results) -> None:
    a = network().model_copy(update={"features_per_stage": (4, 8, 8)})
    old = {
        "UNet_class_name": "PlainConvUNet", "UNet_base_num_features": 4,
        "unet_max_num_features": 8, "n_conv_per_stage_encoder": list(a.counts),
        "n_conv_per_stage_decoder": list(a.decoder_counts),
        "conv_kernel_sizes": a.kernel_sizes, "pool_op_kernel_sizes": a.strides,
        "architecture": None,
    }  # fmt: skip
    make_results(results, a, configuration=old)
    assert imported(results).architecture == a


def test_axes_that_nnunet_exchanges_are_exchanged_in_the_weights(results) -> None:
    architecture = network()
    (weights,) = make_results(results, architecture, plans={"transpose_forward": [1, 0, 2]})
    model = imported(results)
    assert model.info.preprocessing.spacing == (0.8, 2.0, 0.8)
    theirs = architecture.build().eval()
    theirs.load_state_dict(weights)
    image = torch.randn(1, 1, 16, 8, 16)
    with torch.inference_mode():
        known = theirs(image.transpose(2, 3)).transpose(2, 3)
        torch.testing.assert_close(model.networks[0](image), known, atol=1e-5, rtol=0)


def test_regions_and_the_ignored_label(results) -> None:
    labels = {"background": 0, "whole": [1, 2], "core": [2], "ignore": 3}
    make_results(
        results, network(outputs=2), dataset={"labels": labels, "regions_class_order": [1, 2]}
    )
    proposal = propose(results, ImportSettings())
    assert proposal.info.head.name == "regions"
    assert proposal.info.head.classes == ("whole", "core")
    assert any("'ignore'" in warning for warning in proposal.warnings)


@pytest.mark.parametrize("dims", [2, 3])
def test_it_segments_as_the_network_does_in_one_window(results, dims) -> None:
    (weights,) = make_results(
        results, network(dims), checkpoint={"inference_allowed_mirroring_axes": None}
    )
    model = imported(results)
    shape = (8, 16, 16)[-dims:]
    image = np.random.default_rng(0).normal(50, 60, shape).astype(np.float32)
    own = network(dims).build().eval()
    own.load_state_dict(weights)
    scaled = (np.clip(image, -100, 240) - 50) / 30
    with torch.inference_mode():
        known = own(torch.from_numpy(scaled)[None, None]).argmax(1)[0].numpy()
    voxel = ",".join(str(n) for n in (2.0, 0.8, 0.8)[-dims:])
    found = napari_tally.segment(image, model, spacing=f"{voxel}mm", device="cpu")
    assert (np.asarray(found.classes.array) == known).mean() > 0.999 and len(np.unique(known)) > 1


def test_training_goes_on_from_it(results, tmp_path) -> None:
    make_results(results)
    model = imported(results, model_name="organs")
    labels = np.zeros((8, 32, 32), np.uint8)
    labels[2:6, 4:12, 4:12], labels[2:6, 18:28, 18:28] = 1, 2
    trained = napari_tally.train(
        [(labels * 50.0, labels)] * 2, tmp_path / "tuned", start="organs", steps=2, batch=1,
        device="cpu", class_names=("organ", "tumour"),
    )  # fmt: skip
    tuned = napari_tally.load_model(trained.folder)
    assert tuned.architecture == model.architecture
    assert tuned.info.head.class_names == ("organ", "tumour")


def test_intensities_are_those_of_nnunet() -> None:
    image = np.zeros((2, 4, 6, 6), np.float32)
    image[:, 1:3, 1:5, 1:5] = np.random.default_rng(0).uniform(10, 90, (2, 2, 4, 4))
    schemes = ({"kind": "z-score", "masked": True}, {"kind": "0-1"})
    out = NnUNet(channels=schemes)(image)
    inside = image[0, 1:3, 1:5, 1:5]
    known = (inside - inside.mean()) / inside.std()
    np.testing.assert_allclose(out[0, 1:3, 1:5, 1:5], known, atol=1e-5)
    assert (out[0, 0] == 0).all()
    other = image[1, 1:3, 1:5, 1:5]
    known = (other - other.min()) / (other.max() - other.min())
    np.testing.assert_allclose(out[1, 1:3, 1:5, 1:5], known, atol=1e-5)


@pytest.mark.parametrize("name", ["plans.json", "dataset.json"])
def test_missing_descriptions(results, name) -> None:
    make_results(results)
    (results / name).unlink()
    with pytest.raises(ModelError, match=f"has no file {name}"):
        propose(results, ImportSettings())


def test_missing_checkpoints(results) -> None:
    make_results(results)
    (results / "fold_0" / "checkpoint_final.pth").unlink()
    with pytest.raises(ModelError, match="has no checkpoint_final"):
        propose(results, ImportSettings())


def _changed(results, change) -> None:
    path = results / "fold_0" / "checkpoint_final.pth"
    content = torch.load(path, weights_only=False)
    change(content["network_weights"])
    torch.save(content, path)


FIRST = "encoder.stages.0.0.convs.0.conv.weight"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda w: w.pop(FIRST), "is missing"),
        (lambda w: w.update({"encoder.more": torch.zeros(1)}), "is not part of the network"),
        (lambda w: w.update({FIRST: torch.zeros(4, 1, 3, 3, 3)}), "has the shape"),
        (lambda w: w.update({FIRST: 3}), "is not part of the network"),
    ],
)
def test_weights_must_fit(results, change, sentence) -> None:
    make_results(results)
    _changed(results, change)
    with pytest.raises(ModelError, match=sentence):
        propose(results, ImportSettings())


class _Hostile:
    def __reduce__(self):
        return os.mkdir, ("ran",)


def test_a_pickle_that_runs_code_is_refused_and_not_run(results, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_results(results, checkpoint={"logging": _Hostile()})
    with pytest.raises(ModelError, match="would run code"):
        propose(results, ImportSettings())
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"configuration": {"previous_stage": "3d_lowres"}}, "second stage of a cascade"),
        ({"configuration": {"architecture": {"network_class_name": "a.UMamba",
                                             "arch_kwargs": {}}}}, "UMamba, which is not known"),
        ({"configuration": {"normalization_schemes": ["Mine"]}}, "Mine, which is not known"),
        ({"configuration": {"normalization_schemes": []}}, "no list normalization_schemes"),
        ({"configuration": {"patch_size": "big"}}, "no list patch_size"),
        ({"configuration": {"spacing": ["x", 1, 1]}}, "not valid"),
        ({"configuration": {"spacing": [-1, 1, 1]}}, "not valid"),
        ({"configuration": {"patch_size": [0, 0, "y"]}}, "not valid"),
        ({"configuration": {"patch_size": [7, 16, 16]}}, "no multiple of"),
        ({"plans": {"transpose_forward": [0, 0, 1]}}, "transpose_forward"),
        ({"plans": {"configurations": {}}}, "no configuration '3d_fullres'"),
        ({"dataset": {"labels": {"organ": 1}}}, "no labels with the background"),
        ({"dataset": {"channel_names": {"x": "CT"}}}, "for a number"),
        ({"dataset": {"channel_names": {}}}, "no channel_names"),
        ({"checkpoint": {"init_args": None}}, "no network_weights and init_args"),
        ({"checkpoint": {"inference_allowed_mirroring_axes": (7,)}}, "mirrors the axes"),
    ],
)  # fmt: skip
def test_damaged_or_unknown_parts_end_in_a_sentence(results, parts, sentence) -> None:
    make_results(results, **parts)
    with pytest.raises(TallyError, match=sentence):
        propose(results, ImportSettings())


def test_huge_and_damaged_json(results) -> None:
    make_results(results)
    with (results / "plans.json").open("r+b") as file:
        file.truncate(2**27)
    with pytest.raises(ModelError, match="no description"):
        propose(results, ImportSettings())
    for text, sentence in (("[1]", "must hold a JSON object"), ("{", "valid JSON"),
                           ("[" * 100_000, "nested|valid JSON")):  # fmt: skip
        (results / "plans.json").write_text(text)
        with pytest.raises(ModelError, match=sentence):
            propose(results, ImportSettings())


def test_links_out_of_the_folder_are_not_followed(results, tmp_path) -> None:
    make_results(results)
    for name in ("plans.json", "fold_0/checkpoint_final.pth"):
        path = results / name
        outside = tmp_path / path.name
        path.rename(outside)
        path.symlink_to(outside)
        with pytest.raises(ModelError, match="link out of the folder"):
            propose(results, ImportSettings())
        path.unlink()
        outside.rename(path)


def test_several_configurations_are_listed(results) -> None:
    make_results(results)
    make_results(results.with_name("nnUNetTrainer__nnUNetPlans__3d_lowres"))
    with pytest.raises(ModelError, match=r"2 trained configurations: .*3d_fullres, .*3d_lowres"):
        propose(results.parent, ImportSettings())


def test_a_huge_network_is_refused_without_memory(results) -> None:
    make_results(results)
    plans = json.loads((results / "plans.json").read_text())
    block = plans["configurations"]["3d_fullres"]["architecture"]["arch_kwargs"]
    block["features_per_stage"] = [10**9] * 3
    (results / "plans.json").write_text(json.dumps(plans))
    with pytest.raises(ModelError, match="not valid"):
        propose(results, ImportSettings())
