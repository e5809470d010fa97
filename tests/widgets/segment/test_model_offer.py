"""The Segment dock offers the models for an image first, and says why others are not for it."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from skimage import data

from napari_tally.models.known_models import library

TOOLTIP, FONT = Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.FontRole


@pytest.fixture
def stained(shared_data) -> np.ndarray:
    from napari_tally import read

    path = min((shared_data / "nuclei-histology" / "images").iterdir())
    return np.asarray(read(path).array)


def marks(dock) -> dict[str, tuple[str, bool]]:
    """Return the tooltip of each model, and whether it is pale."""
    combo = dock.form.model
    return {
        model: (combo.native.itemData(row, TOOLTIP), combo.native.itemData(row, FONT) is not None)
        for row, model in enumerate(combo.choices)
    }


def test_models_that_fit_come_first_and_none_is_hidden(dock) -> None:
    models, found = list(dock.form.model.choices), marks(dock)
    assert sorted(models) == sorted(entry.name for entry in library())
    pale = [found[model][1] for model in models]
    assert pale == sorted(pale) and True in pale and not found["nuclei-2d"][1]
    assert "Not for this image: it takes stacks" in found["nuclei-3d"][0]
    assert found["nuclei-2d"][0].startswith("Nuclei: fluorescence")


def test_the_line_below_says_why_a_picked_model_is_not_for_the_image(dock) -> None:
    dock.form.model.value = "hippocampus-mr"
    dock.form.model.native.activated.emit(0)
    assert dock.form.about.text().endswith("Not for this image: it takes stacks.")
    dock.form.model.value = "nuclei-2d"
    assert "Not for" not in dock.form.about.text()


def test_a_model_is_chosen_by_the_stain_until_one_is_picked(viewer, dock, stained) -> None:
    viewer.add_image(stained, rgb=True, name="stained")
    assert dock.model == "nuclei-histology"
    assert dock.form.about.text().count("Chosen since its colours") == 1
    viewer.layers["stained"].scale = (0.5, 0.5)
    dock._rescaled()
    assert dock.form.about.text().count("Chosen since") == 1
    dock.form.image.value = viewer.layers["field"]
    assert dock.model == "nuclei-2d" and "Chosen" not in dock.form.about.text()
    dock.form.model.native.activated.emit(0)
    dock.form.image.value = viewer.layers["stained"]
    assert dock.model == "nuclei-2d"


def test_colours_of_a_photograph_are_not_those_of_a_stain(viewer, dock) -> None:
    viewer.add_image(data.astronaut(), rgb=True, name="photograph")
    tip, pale = marks(dock)["nuclei-histology"]
    assert pale and "colours are unlike" in tip
