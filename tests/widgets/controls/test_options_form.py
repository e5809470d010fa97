"""A form is its options: every field has a row, and the rows give the options back."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from magicgui.widgets import CheckBox, FloatSpinBox, LineEdit, SpinBox
from pydantic import Field

from napari_tally.core.errors import InputError
from napari_tally.core.options import Offer, Options
from napari_tally.core.quantity import parse_quantity
from napari_tally.evaluation.options import EvaluateOptions
from napari_tally.features.declare.options import Measurements
from napari_tally.segmentation.setup.options import SegmentOptions
from napari_tally.training.plan.options import TrainingOptions
from napari_tally.widgets.controls.choice import Choice
from napari_tally.widgets.controls.elided_text import FIELD, elided
from napari_tally.widgets.controls.length_edit import LengthEdit
from napari_tally.widgets.controls.options_form import OptionsForm
from napari_tally.widgets.controls.wrapped_label import WrappedLabel

pytestmark = pytest.mark.usefixtures("qapp")


class Inner(Options):
    tile: int | None = Field(None, ge=16, description="Largest tile.")


class Sample(Options):
    fast: bool = Field(False, description="Whether to hurry.")
    count: int = Field(3, ge=1, le=9, description="How many.")
    share: float = Field(0.5, gt=0, lt=1, description="Which part.")
    way: Literal["first", "second"] = "first"
    ndim: Literal[2, 3] | None = None
    steps: int | None = Field(None, ge=1, description="Number of batches.")
    sizes: tuple[float, ...] = (0.5, 0.75)
    names: tuple[str, ...] = ()
    tiling: Annotated[Inner, Offer(advanced=True)] = Inner()
    secret: Annotated[str, Offer(hidden=True)] = "kept"


@pytest.fixture
def form() -> OptionsForm[Sample]:
    return OptionsForm(Sample)


def test_each_type_has_its_widget_with_limits_label_and_tooltip(form) -> None:
    rows = form.editors
    kinds = (CheckBox, SpinBox, FloatSpinBox, Choice, LineEdit)
    names = ("fast", "count", "share", "way", "steps")
    assert [type(rows[name]) for name in names] == list(kinds)
    assert (rows["count"].min, rows["count"].max) == (1, 9)
    assert 0 < rows["share"].min < 0.2 and 0.8 < rows["share"].max < 1
    assert rows["count"].label == "Count"
    assert rows["count"].tooltip == "How many. 1 to 9."
    assert "secret" not in rows


def test_untouched_rows_are_the_defaults_and_changed_ones_come_back(form) -> None:
    assert form.values() == Sample()
    wanted = Sample(
        fast=True, count=7, share=0.25, way="second", ndim=3, steps=40, sizes=(0.1, 0.2),
        names=("a b", "c"), tiling=Inner(tile=32),
    )  # fmt: skip
    form.set(wanted)
    assert form.values() == wanted
    form.reset()
    assert form.values() == Sample()


@pytest.mark.parametrize("model", [SegmentOptions, TrainingOptions, EvaluateOptions, Measurements])
def test_forms_of_the_docks_options_begin_with_their_defaults(model) -> None:
    assert OptionsForm(model).values() == model()


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("steps", "many", ("Steps", "whole number", "many")),
        ("steps", "0", ("Steps", "at least 1", "0")),
        ("sizes", "0.5, big", ("Sizes", "numbers", "big")),
        ("tiling.tile", "3", ("Tile", "at least 16")),
    ],
)
def test_what_a_field_cannot_take_is_reported_with_its_label(form, path, text, words) -> None:
    form.editors[path].value = text
    with pytest.raises(InputError) as caught:
        form.values()
    assert all(word in str(caught.value) for word in words)


def test_advanced_fields_are_folded_away_and_nested_ones_flattened(form) -> None:
    assert [w.name for w in form.advanced] == ["tiling.tile"]
    assert form.section.isVisibleTo(form.native)
    assert not form.section.content.isVisibleTo(form.native)
    form.section.open()
    assert form.editors["tiling.tile"].native.isVisibleTo(form.native)


def test_every_change_is_announced(form) -> None:
    heard = []
    form.changed.connect(lambda: heard.append(1))
    form.editors["count"].value = 4
    form.editors["tiling.tile"].value = "64"
    assert len(heard) == 2


def test_a_new_field_has_its_row_without_another_edit() -> None:
    class More(Sample):
        smooth: float = Field(1.0, ge=0, le=5, description="Width of the smoothing.")

    form = OptionsForm(More, ["count"])
    assert (form.editors["smooth"].min, form.editors["smooth"].max) == (0, 5)
    form.editors["smooth"].value = 2.5
    assert form.values() == More(smooth=2.5)


def test_layout_comes_first_and_own_widgets_edit_their_field() -> None:
    own = Choice([("one", 1), ("two", 2)], name="count")
    form = OptionsForm(Sample, ["steps", own], exclude=("tiling",))
    assert [w.name for w in form][:2] == ["steps", "count"]
    assert own.label == "Count" and "tiling.tile" not in form.editors
    own.value = 2
    assert form.values().count == 2


def test_a_hidden_row_has_its_default(form) -> None:
    form.editors["steps"].value = "5"
    form.show_row(form.editors["steps"], visible=False)
    assert form.values().steps is None
    form.show_row(form.editors["steps"], visible=True)
    assert form.values().steps == 5


def test_labels_are_not_cut_off_and_the_form_is_narrow(qtbot) -> None:
    for model in (SegmentOptions, TrainingOptions, EvaluateOptions):
        form = OptionsForm(model)
        qtbot.addWidget(form.native)
        form.native.show()
        form.section.open()
        assert form.native.minimumSizeHint().width() <= 300, model
        for row in form.editors.values():
            label = row.native.parentWidget().layout().itemAt(0).widget()
            if hasattr(label, "wordWrap") and not label.wordWrap():
                assert label.width() >= label.sizeHint().width(), row.label


def test_plain_numbers_are_in_the_unit_beside_them() -> None:
    size = LengthEdit(unit="um")
    for text, value in (("15", "15um"), ("0.5, 0.2,0.2", "0.5, 0.2,0.2um"), ("1e3", "1e3um")):
        size.value = text
        assert size.value == value
        parse_quantity(size.value)
    for text in ("12px", "", "far"):
        size.value = text
        assert size.value == text
    size.unit, size.value = "px2", "50"
    assert parse_quantity(size.value, power=2).unit == "px"


def test_choices_keep_their_value_and_long_names_are_elided_with_the_whole_as_tooltip() -> None:
    names = [f"plate_{'x' * 60}_{i}.ome.tif" for i in range(3)]
    choice = Choice([(name, i) for i, name in enumerate(names)])
    choice.value = 2
    choice.offer([(name, i) for i, name in reversed(list(enumerate(names)))])
    assert choice.value == 2 and set(choice.choices) == {0, 1, 2}
    assert len(choice.current_choice) == FIELD and choice.current_choice.endswith("2.ome.tif")
    assert choice.native.itemData(0, 3) == names[2]  # Qt.ToolTipRole
    choice.offer([("only", 7)])
    assert choice.value == 7


def test_a_long_name_in_a_sentence_does_not_widen_the_dock() -> None:
    name = "x" * 90
    words = WrappedLabel(f"{name} has no calibration")
    assert len(words.text()) < 60 and name in words.toolTip()
    assert elided("short") == "short"
