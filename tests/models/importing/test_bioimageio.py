"""BioImage.IO packages: what is understood of them, their own tests, and what is refused."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from packages import changed, channels_last, entry, package

import napari_tally
from napari_tally.core.errors import ModelError
from napari_tally.models.importing.importing import propose, save_proposal
from napari_tally.models.importing.proposal import ImportSettings, Proposal
from napari_tally.models.user_models import VARIABLE

BILLIONS = "a0: &a0 [x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "mine"))
    monkeypatch.setenv("TALLY_CONFIG", str(tmp_path / "config"))


def read(path: Path, **settings) -> Proposal:
    return propose(path, ImportSettings(**settings))


def maps_of(proposal: Proposal, image: np.ndarray) -> np.ndarray:
    """Return the maps of a saved model for an image (C, *spatial), without tiles."""
    model = napari_tally.load_model(save_proposal(proposal, overwrite=True))
    prepared = model.info.preprocessing.normalizer(image)
    return model.activate(model.network(torch.from_numpy(prepared)[None]))[0].numpy()


def zscore(image: np.ndarray) -> np.ndarray:
    return (image - image.mean()) / (image.std() + 1e-6)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def step(name: str, **kwargs) -> dict:
    return {"id": name, "kwargs": kwargs}


def test_a_real_package_gives_its_test_output_and_segments(shared_data: Path) -> None:
    folder = shared_data / "third-party-models" / "unet2d_nuclei_broad"
    proposal = read(folder)
    assert any("Its own test image gives its test output" in s for s in proposal.understood)
    assert proposal.info.licence == "MIT"
    assert "Constantin Pape" in proposal.card and "# U-Net 2d Nuclei Broad Example" in proposal.card
    save_proposal(proposal)
    name = (shared_data / "nuclei-2d" / "split_val.txt").read_text().split()[0]
    result = napari_tally.segment(shared_data / "nuclei-2d" / "images" / name, proposal.info.name)
    truth = napari_tally.read(shared_data / "nuclei-2d" / "labels" / name).array > 0
    found = result.labels > 0
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.94
    assert result.count > 5
    assert result.model["licence"] == "MIT"


def test_a_zip_is_read_as_its_folder_is(tmp_path: Path) -> None:
    folder = package(tmp_path / "tiny", after=(step("sigmoid"),), truth=sigmoid)
    archive = Path(shutil.make_archive(str(tmp_path / "tiny"), "zip", tmp_path, "tiny"))
    assert read(archive).understood == read(folder).understood
    assert save_proposal(read(archive)).joinpath("models/model.onnx").is_file()


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (step("zero_mean_unit_variance", axes=["y", "x"]), zscore),
        (step("zero_mean_unit_variance"), zscore),
        (step("fixed_zero_mean_unit_variance", mean=100.0, std=20.0), lambda x: (x - 100) / 20),
        (step("scale_linear", gain=0.01, offset=-1.0), lambda x: x * 0.01 - 1),
        (step("clip", min=100, max=300), lambda x: np.clip(x, 100, 300)),
        (step("binarize", threshold=400), lambda x: (x > 400).astype(float)),
        (step("sigmoid"), sigmoid),
        (step("ensure_dtype", dtype="uint8"), lambda x: np.floor(x.astype(np.float32))),
        (
            step("scale_range", axes=["y", "x"], min_percentile=5, max_percentile=95),
            lambda x: (x - np.percentile(x, 5)) / (np.ptp(np.percentile(x, (5, 95))) + 1e-6),
        ),
    ],
    ids=lambda value: value["id"] if isinstance(value, dict) else "",
)
def test_images_are_prepared_as_the_description_says(tmp_path: Path, before, expected) -> None:
    image = np.random.default_rng(1).uniform(0, 255, (1, 24, 20))
    folder = package(
        tmp_path, before=(before,), after=(step("sigmoid"),), image=image,
        truth=lambda x: sigmoid(expected(x)),
    )  # fmt: skip
    proposal = read(folder)
    assert any("test output" in sentence for sentence in proposal.understood)
    maps = maps_of(proposal, image.astype(np.float32))
    assert np.abs(maps[1] - sigmoid(expected(image))[0]).max() < 1e-4


@pytest.mark.parametrize("together", [False, True])
def test_statistics_are_of_each_channel_or_of_all(tmp_path: Path, together: bool) -> None:
    image = np.random.default_rng(2).uniform(0, 1, (2, 16, 16)) * [[[1]], [[50]]]
    axes = ["channel", "y", "x"] if together else ["y", "x"]

    def truth(x: np.ndarray) -> np.ndarray:
        prepared = zscore(x) if together else np.stack([zscore(c) for c in x])
        return sigmoid(prepared.mean(0, keepdims=True))

    package(
        tmp_path, channels=(2, 1), image=image, truth=truth, after=(step("sigmoid"),),
        before=(step("zero_mean_unit_variance", axes=axes),),
    )  # fmt: skip
    assert any("test output" in sentence for sentence in read(tmp_path).understood)


def test_an_output_that_differs_from_the_test_tensor_is_refused(tmp_path: Path) -> None:
    package(tmp_path, after=(step("sigmoid"),), truth=lambda x: sigmoid(x) - 0.001)
    with pytest.raises(ModelError, match=r"differs from its test tensor by up to 0\.001"):
        read(tmp_path)


def test_without_test_tensors_that_is_noted(tmp_path: Path) -> None:
    proposal = read(package(tmp_path, after=(step("sigmoid"),)))
    assert "It has no test tensors: its output was not checked" in proposal.warnings


def test_foreground_and_boundary_separate_touching_objects(tmp_path: Path) -> None:
    names = ("foreground", "boundary")
    proposal = read(package(tmp_path, channels=(1, 2), names=names, after=(step("sigmoid"),)))
    assert proposal.info.head.name == "boundary"
    image = np.zeros((1, 8, 8), np.float32)
    maps = maps_of(proposal, image)
    assert maps.shape == (3, 8, 8)
    assert np.allclose(maps.sum(0), 1, atol=1e-6)


def test_classes_are_named_and_the_background_is_none_of_them(tmp_path: Path) -> None:
    names = ("background", "nucleus", "cell")
    proposal = read(package(tmp_path, channels=(1, 3), names=names, after=(step("softmax"),)))
    assert proposal.info.head.class_names == ("nucleus", "cell")
    assert not proposal.info.separate
    maps = maps_of(proposal, np.ones((1, 8, 8), np.float32))
    assert maps.shape == (3, 8, 8)
    assert np.allclose(maps[:, 0, 0], np.exp([1, 2, 3]) / np.exp([1, 2, 3]).sum(), atol=1e-5)


def test_logits_become_probabilities_which_is_noted(tmp_path: Path) -> None:
    proposal = read(package(tmp_path, channels=(1, 1)))
    assert proposal.info.reading.activation == "sigmoid"
    assert any("a sigmoid makes probabilities" in warning for warning in proposal.warnings)


def test_a_fixed_size_becomes_the_size_of_tiles(tmp_path: Path) -> None:
    folder = package(tmp_path, shape=(32, 32), size=32, after=(step("sigmoid"),), truth=sigmoid)
    proposal = read(folder)
    assert proposal.info.runtime.size == (32, 32)
    assert proposal.info.preprocessing.tiling.exact
    save_proposal(proposal)
    image = np.zeros((50, 70), np.float32)
    image[10:20, 30:50] = 5
    result = napari_tally.segment(image, proposal.info.name)
    assert result.labels.shape == (50, 70)
    assert result.count == 1
    assert (result.labels > 0).sum() == 200


def test_lengths_of_min_and_step_are_multiples(tmp_path: Path) -> None:
    proposal = read(package(tmp_path, size={"min": 64, "step": 16}, after=(step("sigmoid"),)))
    assert proposal.info.runtime.multiple == 16
    assert proposal.info.runtime.size == ()
    odd = read(package(tmp_path / "b", size={"min": 68, "step": 16}, after=(step("sigmoid"),)))
    assert odd.info.runtime.size == (260, 260)


def test_the_halo_of_the_output_is_the_overlap_of_tiles(tmp_path: Path) -> None:
    def halo(content: dict) -> None:
        for axis in content["outputs"][0]["axes"][2:]:
            axis["halo"] = 80

    changed(package(tmp_path, after=(step("sigmoid"),)), halo)
    assert read(tmp_path).info.preprocessing.tiling.halo == 80


def test_a_stack_is_taken_by_a_model_with_z(tmp_path: Path) -> None:
    folder = package(tmp_path, shape=("d", "h", "w"), after=(step("sigmoid"),), truth=sigmoid)
    proposal = read(folder)
    assert proposal.info.runtime.spatial_dims == 3
    assert maps_of(proposal, np.zeros((1, 5, 6, 7), np.float32)).shape == (2, 5, 6, 7)


def test_channels_may_come_last(tmp_path: Path) -> None:
    weights = channels_last(package(tmp_path, channels=(2, 1)) / "weights.onnx")
    image = np.random.default_rng(0).uniform(0, 1, (1, 10, 12, 2)).astype(np.float32)
    np.save(tmp_path / "in.npy", image)
    np.save(tmp_path / "out.npy", image.mean(3, keepdims=True))

    def last(content: dict) -> None:
        content["weights"]["onnx"] = entry(weights)
        for side, file in (("inputs", "in.npy"), ("outputs", "out.npy")):
            axes = content[side][0]["axes"]
            content[side][0]["axes"] = [axes[0], *axes[2:], axes[1]]
            content[side][0]["test_tensor"] = entry(tmp_path / file)

    changed(tmp_path, last)
    proposal = read(tmp_path)
    assert any("test output" in sentence for sentence in proposal.understood)
    maps = maps_of(proposal, np.moveaxis(image[0], -1, 0))
    assert np.allclose(maps[1], image[0].mean(2), atol=1e-5)


def test_of_several_outputs_the_first_with_an_image_is_used(tmp_path: Path) -> None:
    def two(content: dict) -> None:
        content["outputs"].append({**content["outputs"][0], "id": "second"})

    changed(package(tmp_path, after=(step("sigmoid"),)), two)
    assert any("Of its 2 outputs, maps is used" in s for s in read(tmp_path).understood)


def test_format_0_4_is_read(tmp_path: Path) -> None:
    package(tmp_path, truth=lambda x: sigmoid(zscore(x)))
    (tmp_path / "rdf.yaml").write_text(
        yaml.safe_dump(
            {
                "format_version": "0.4.9",
                "type": "model",
                "name": "Old",
                "description": "An old one",
                "license": "MIT",
                "inputs": [
                    {
                        "name": "raw",
                        "axes": "bcyx",
                        "data_type": "float32",
                        "shape": {"min": [1, 1, 16, 16], "step": [0, 0, 8, 8]},
                        "preprocessing": [
                            {
                                "name": "zero_mean_unit_variance",
                                "kwargs": {"mode": "per_sample", "axes": "yx"},
                            }
                        ],
                    }
                ],
                "outputs": [
                    {
                        "name": "out",
                        "axes": "bcyx",
                        "shape": {
                            "reference_tensor": "raw",
                            "scale": [1, 1, 1, 1],
                            "offset": [0, 0, 0, 0],
                        },
                        "halo": [0, 0, 8, 8],
                        "postprocessing": [{"name": "sigmoid"}],
                    }
                ],
                "test_inputs": ["in.npy"],
                "test_outputs": ["out.npy"],
                "weights": {"onnx": {"source": "weights.onnx"}},
            }
        )
    )
    proposal = read(tmp_path)
    assert any("test output" in sentence for sentence in proposal.understood)
    assert proposal.info.runtime.multiple == 8


def test_corrections_replace_what_was_found(tmp_path: Path) -> None:
    package(tmp_path, channels=(1, 2), after=(step("softmax"),))
    proposal = read(
        tmp_path, model_name="mine", licence="MIT", classes=("a",), object_size=20,
        reading={"name": "class-maps", "background": "first", "activation": "none"},
    )  # fmt: skip
    assert proposal.info.name == "mine"
    assert proposal.info.licence == "MIT"
    assert proposal.info.preprocessing.diameter.typical == 20


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(type="dataset"), "describes no model"),
        (lambda c: c.update(format_version="0.3.6"), "has the format 0.3.6, but 0.4 and 0.5"),
        (lambda c: c.pop("inputs"), "is not valid"),
        (lambda c: c.update(inputs="raw"), "is not valid"),
        (lambda c: c["inputs"].append({**c["inputs"][0], "id": "b"}), "takes 2 inputs"),
        (lambda c: c["inputs"][0]["axes"].append({"type": "time"}), "has the axes bcyxt"),
        (lambda c: c["inputs"][0].update(preprocessing=[{"id": "secret"}]), "'secret'"),
        (
            lambda c: c["outputs"][0].update(
                postprocessing=[step("scale_mean_variance", reference_tensor="raw")]
            ),
            "it is an image, no segmentation",
        ),
        (
            lambda c: c.update(
                weights={"pytorch_state_dict": {"source": "w.pt", "architecture": {}}}
            ),
            "network is Python code",
        ),
        (lambda c: c.update(weights={"keras_hdf5": {"source": "w.h5"}}), "only Keras weights"),
        (lambda c: c["weights"]["onnx"].update(sha256="0" * 64), "another checksum"),
        (lambda c: c["weights"]["onnx"].update(source="https://x.org/w2"), "lacks its weights"),
        (lambda c: c["weights"]["onnx"].update(source="../../etc/passwd"), "lacks its weights"),
        (
            lambda c: c["outputs"][0]["axes"][2]["size"].update(offset=-8),
            "8 px shorter than the input",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_a_sentence(tmp_path: Path, change, message) -> None:
    changed(package(tmp_path, after=(step("sigmoid"),)), change)
    with pytest.raises(ModelError, match=message):
        read(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("!!python/object/apply:os.system ['touch /tmp/x']", "no description|not valid YAML"),
        (BILLIONS, "stands for more than"),
        ("a: &a [*a]", "stands for more than"),
        ("[" * 100_000, "nested too deeply"),
        ("a: [", "not valid YAML"),
        ("- 1", "holds no description"),
    ],
)
def test_hostile_yaml_is_refused_and_nothing_runs(tmp_path: Path, text: str, message: str) -> None:
    package(tmp_path)
    (tmp_path / "rdf.yaml").write_text(text)
    with pytest.raises(ModelError, match=message):
        read(tmp_path)


def test_members_of_a_zip_cannot_leave_its_folder(tmp_path: Path) -> None:
    folder = package(tmp_path / "tiny", after=(step("sigmoid"),))
    archive = tmp_path / "evil.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for path in folder.iterdir():
            out.write(path, path.name)
        out.writestr("../evil.txt", "x")
    read(archive)
    assert not (tmp_path / "evil.txt").exists()


def test_pickled_test_tensors_are_not_loaded(tmp_path: Path) -> None:
    package(tmp_path, after=(step("sigmoid"),), truth=sigmoid)
    np.save(tmp_path / "in.npy", np.array([{"a": 1}], object), allow_pickle=True)
    changed(tmp_path, lambda c: c["inputs"][0].update(test_tensor=entry(tmp_path / "in.npy")))
    with pytest.raises(ModelError, match="cannot be read"):
        read(tmp_path)
