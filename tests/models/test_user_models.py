"""The user's own models, by name."""

from pathlib import Path

import pytest

from napari_tally import load_model
from napari_tally.core.errors import InputError, ModelError
from napari_tally.models import user_models as library
from napari_tally.models.bundle import SHIPPED, model_folder
from napari_tally.models.copy_bundle import copy_model


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(library.VARIABLE, str(tmp_path / "mine"))


def test_a_model_in_the_folder_is_found_by_name(tmp_path: Path) -> None:
    assert library.user_models() == ()
    model = load_model("nuclei-2d")
    copy_model(model, model.info.model_copy(update={"name": "own"}), tmp_path / "mine" / "own")
    assert library.user_models() == ("own",)
    assert load_model("own").info.name == "own"
    assert model_folder("nuclei-2d").parent == SHIPPED
    library.remove_model("own")
    assert library.user_models() == ()


def test_only_imported_models_can_be_removed() -> None:
    with pytest.raises(ModelError, match="no imported model"):
        library.remove_model("nuclei-2d")


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "-x", "a" * 81, "ü"])
def test_names_that_no_folder_should_have_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="cannot have the name"):
        library.check_name(name)


def test_a_name_is_made_of_any_text() -> None:
    assert library.as_name("My model (v2).onnx") == "My-model-v2-.onnx"
    assert library.check_name(library.as_name("??")) == "model"
