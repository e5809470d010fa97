"""What is understood of MONAI bundles, what is refused, and that none of their code runs."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from monai_bundles import RANGE, ZOO, before, config_of, windows, write_bundle, write_image

from napari_tally import segment
from napari_tally.core.errors import FileError, ModelError
from napari_tally.heads import Panoptic, Regions, Semantic
from napari_tally.models.bundle import load_model
from napari_tally.models.exporting.monai import export_monai
from napari_tally.models.importing.importing import propose, save_proposal
from napari_tally.models.importing.proposal import ImportSettings
from napari_tally.network.normalize import Window

SMALL = replace(
    ZOO["spleen"],
    network={"_target_": "UNet", "spatial_dims": 2, "in_channels": 1, "out_channels": 2,
             "channels": [4, 8], "strides": [2]},
    before=before({**RANGE, "a_min": 0, "a_max": 255}),
    inferer=windows(32, 24), shape=(50, 40), channels=1,
)  # fmt: skip


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TALLY_MODELS", str(tmp_path / "models"))


@pytest.fixture
def bundle(tmp_path):
    return write_bundle(tmp_path / "small", SMALL)


def understood(folder, **settings):
    return propose(folder, ImportSettings(**settings))


def changed(folder, **entries) -> None:
    path = folder / "configs/inference.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


def network(**arguments):
    return {**SMALL.network, **arguments}


def test_a_bundle_is_described_in_sentences(bundle) -> None:
    found = understood(bundle)
    assert found.understood == (
        "UNet of MONAI in 2D, 1 channel", "Classes: spleen", "Images in windows of 24 x 32 px",
    )  # fmt: skip
    assert found.info.head == Semantic(classes=("spleen",))
    assert found.info.preprocessing.normalizer == Window(low=0, high=255, clip=True)
    assert found.warnings == ("The bundle states no licence",)


def test_what_the_zoo_states_becomes_heads_and_warnings(tmp_path) -> None:
    brats = understood(write_bundle(tmp_path / "brats", ZOO["brats"]))
    assert brats.info.head == Regions(classes=("Tumor core", "Whole tumor", "Enhancing tumor"))
    assert any("Lambdad" in w or "Lambda" in w for w in brats.warnings)
    prostate = understood(write_bundle(tmp_path / "prostate", ZOO["prostate"]))
    assert prostate.info.head.largest == (1, 2)
    assert prostate.info.preprocessing.spacing == (0.5, 0.5, 0.5)
    assert prostate.info.preprocessing.orientation == "RAS"


def test_hovernet_separates_nuclei_and_gives_their_types(tmp_path) -> None:
    found = understood(write_bundle(tmp_path / "hover", ZOO["hovernet"]))
    assert isinstance(found.info.head, Panoptic)
    assert found.info.head.objects.kernel == 3 and found.info.head.objects.border == 0.7
    assert len(found.info.head.classes) == 4


@pytest.mark.parametrize("flag", [True, False])
def test_values_are_chosen_by_flags_and_taken_from_other_files(bundle, flag) -> None:
    (bundle / "configs/extra.json").write_text(json.dumps({"sizes": [[40, 40], [20, 30]]}))
    changed(
        bundle, flag=flag, roi="$@sizes#0 if @flag else @sizes::1", sizes="%extra.json#sizes",
        inferer={**SMALL.inferer, "roi_size": "@roi"},
    )  # fmt: skip
    tiles = understood(bundle).info.preprocessing.tiling.tiles
    assert tiles == ((40, 40) if flag else (30, 20))


def test_code_in_a_bundle_never_runs(bundle, tmp_path) -> None:
    trace = tmp_path / "ran"
    code = f"$__import__('os').system('touch {trace}')"
    changed(bundle, imports=[code], initialize=[code], dataset=code, output_dir=code)
    assert understood(bundle).info.name == "small"
    for entries in ({"network_def": network(out_channels=code)},
                    {"inferer": {**SMALL.inferer, "overlap": code}},
                    {"network_def": {"_target_": "os.system", "command": f"touch {trace}"}},
                    {"network_def": code}):  # fmt: skip
        fresh = bundle / "configs/inference.json"
        fresh.write_text(json.dumps(config_of(SMALL) | entries))
        with pytest.raises(ModelError) as error:
            understood(bundle)
        assert "\n" not in str(error.value)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ({"network_def": {"_target_": "scripts.nets.Mine"}}, "network 'scripts.nets.Mine'"),
        ({"network_def": {"_target_": "VNet"}}, "network 'VNet'"),
        ({"network_def": network(wings=3)}, "wings"),
        ({"network_def": network(norm="cosmic")}, "cosmic"),
        ({"network_def": network(out_channels="@nowhere")}, "no value nowhere"),
        ({"network_def": network(out_channels="@a"), "a": "@b", "b": "@a"}, "refers to itself"),
        ({"inferer": {"_target_": "MyInferer"}}, "inferer 'MyInferer'"),
        ({"inferer": {**SMALL.inferer, "roi_size": [10**9, 8]}}, "roi_size"),
        ({"preprocessing": {"transforms": [{"_target_": "Lambdad"}]}}, "transform Lambda"),
        ({"preprocessing": {"transforms": [{"_target_": "ScaleIntensityRanged", "a_min": 1,
                                            "a_max": 1}]}}, "is empty"),
        ({"network_def": "%../../secret.json"}, "not in the bundle"),
    ],
)  # fmt: skip
def test_what_cannot_be_translated_is_refused_in_a_sentence(bundle, entries, sentence) -> None:
    (bundle.parent / "secret.json").write_text("{}")
    changed(bundle, **entries)
    with pytest.raises(ModelError) as error:
        understood(bundle)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda s: s.pop(next(iter(s))), "lacks 1 weights"),
        (lambda s: s.update(more=torch.zeros(1)), "does not have, such as more"),
        (lambda s: s.update({next(iter(s)): torch.zeros(3, 1, 3, 3)}), "the shape (3, 1, 3, 3)"),
        (lambda s: s.update(a=3), "no state_dict"),
    ],
)  # fmt: skip
def test_weights_of_another_network_are_refused(bundle, change, sentence) -> None:
    state = torch.load(bundle / "models/model.pt", weights_only=True)
    change(state)
    torch.save(state, bundle / "models/model.pt")
    with pytest.raises(ModelError) as error:
        understood(bundle)
    assert sentence in str(error.value)


def test_a_pickle_with_code_and_torchscript_are_refused(bundle, tmp_path) -> None:
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    torch.save({"model": Evil()}, bundle / "models/model.pt")
    with pytest.raises(ModelError, match="would run code"):
        understood(bundle)
    assert not (tmp_path / "ran").exists()
    (bundle / "models/model.pt").rename(bundle / "models/model.ts")
    with pytest.raises(ModelError, match="TorchScript"):
        understood(bundle)
    (bundle / "models/model.ts").unlink()
    with pytest.raises(ModelError, match="no weights"):
        understood(bundle)


def test_links_out_huge_and_damaged_files_are_refused(bundle, tmp_path) -> None:
    outside = tmp_path / "outside.pt"
    (bundle / "models/model.pt").rename(outside)
    (bundle / "models/model.pt").symlink_to(outside)
    with pytest.raises(ModelError, match="link out of the folder"):
        understood(bundle)
    config = bundle / "configs/inference.json"
    for text, sentence in ((" " * 2**21, "bytes"), ("[" * 10**5, "nested"), ("{", "valid JSON"),
                           ("[]", "must hold an object")):  # fmt: skip
        config.write_text(text)
        with pytest.raises(ModelError, match=sentence):
            understood(bundle)


def test_folders_that_are_no_bundles_are_refused(tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises((ModelError, FileError)):
        understood(tmp_path / "empty")
    (tmp_path / "half/configs").mkdir(parents=True)
    (tmp_path / "half/configs/metadata.json").write_text("{}")
    with pytest.raises(ModelError, match="no configs/inference"):
        understood(tmp_path / "half")


def _segmented(name, image):
    result = segment(image, name, device="cpu")
    return np.asarray(result.classes.array)


def test_an_export_can_be_run_by_monai_and_imported_again(bundle, tmp_path) -> None:
    from monai.bundle import ConfigParser

    image = write_image(tmp_path / "image", SMALL)
    save_proposal(understood(bundle))
    target = export_monai(load_model("small"), tmp_path / "exported")
    (tmp_path / "in").mkdir()
    image.rename(tmp_path / "in/a.png")
    parser = ConfigParser()
    parser.read_config(target / "configs/inference.json")
    parser["bundle_root"], parser["dataset_dir"] = str(target), str(tmp_path / "in")
    parser["output_dir"] = str(tmp_path / "out")
    grad = torch.is_grad_enabled()
    parser.get_parsed_content("initialize")
    (found,) = parser.get_parsed_content("run")
    torch.set_grad_enabled(grad)
    ours = _segmented("small", tmp_path / "in/a.png")
    assert np.mean(ours == np.asarray(found[0]["pred"][0]).T) > 0.99
    assert list((tmp_path / "out").rglob("*.nii*"))
    output = parser.get_parsed_content("network")(
        torch.from_numpy(np.load(target / "models/test_input.npy"))
    )
    expected = np.load(target / "models/test_output.npy")
    np.testing.assert_allclose(output.detach().numpy(), expected, atol=1e-5)

    again = understood(target, model_name="again")
    assert again.info == load_model("small").info.model_copy(update={"name": "again"})
    save_proposal(again)
    np.testing.assert_array_equal(_segmented("again", tmp_path / "in/a.png"), ours)


def test_an_export_without_our_description_is_read_as_any_bundle(bundle, tmp_path) -> None:
    image = write_image(tmp_path / "image", SMALL)
    save_proposal(understood(bundle))
    target = export_monai(load_model("small"), tmp_path / "exported")
    path = target / "configs/metadata.json"
    metadata = json.loads(path.read_text())
    del metadata["napari_tally_export"]
    path.write_text(json.dumps(metadata))
    save_proposal(understood(target, model_name="plain"))
    np.testing.assert_array_equal(_segmented("plain", image), _segmented("small", image))
    assert load_model("plain").info.head.class_names == ("spleen",)


def test_resized_images_come_back_at_their_own_size(tmp_path) -> None:
    zoo = ZOO["endoscopic tool"]
    image = write_image(tmp_path / "image", zoo)
    save_proposal(understood(write_bundle(tmp_path / "b", zoo), model_name="tool"))
    assert _segmented("tool", image).shape == zoo.shape[::-1]


def test_an_imported_u_net_is_fine_tuned(bundle, tmp_path) -> None:
    from napari_tally import train

    save_proposal(understood(bundle))
    rng, pairs = np.random.default_rng(0), []
    for _ in range(3):
        labels = np.zeros((64, 64), np.uint8)
        y, x = rng.integers(8, 40, 2)
        labels[y : y + 14, x : x + 14] = 1
        noise = rng.normal(size=labels.shape, scale=5)
        pairs.append(((60 + 120 * labels + noise).astype(np.uint8), labels))
    train(pairs, tmp_path / "tuned", start="small", kind="classes", steps=3, device="cpu")
    tuned = load_model(tmp_path / "tuned")
    assert tuned.info.head.class_names == ("spleen",)
    assert tuned.architecture == load_model("small").architecture
    first, then = (m.networks[0].state_dict() for m in (load_model("small"), tuned))
    assert any(not torch.equal(first[name], then[name].float()) for name in first)


def test_overlapping_classes_cannot_be_trained(tmp_path) -> None:
    save_proposal(understood(write_bundle(tmp_path / "b", ZOO["brats"]), model_name="brats"))
    with pytest.raises(ModelError, match="cannot be trained"):
        _ = load_model("brats").trainable
