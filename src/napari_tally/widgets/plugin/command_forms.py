"""Commands with a form, made from functions by magicgui."""

# No postponed annotations here: magicgui evaluates them.

from pathlib import Path
from typing import Any

from magicgui import magic_factory
from napari.layers import Image, Labels, Layer
from napari.utils.notifications import show_warning
from napari.viewer import Viewer

from ...core.errors import TallyError
from ..controls.length_edit import LengthEdit
from ..controls.narrow_combo import narrowed
from ..layers.label_layer import label_volume
from .label_jobs import grow_layer, measure_layer, save_layer, separate_layer, split_layer

_NO_LABELS = "There is no label layer. Segment an image, or paint labels."


def _choose_active(form: Any) -> None:
    """Select the active layer when the form opens, and keep the form narrow."""
    combo = form[1]
    narrowed(combo.native, 12)

    def choose() -> None:
        viewer = form[0].value
        active = viewer.layers.selection.active if viewer is not None else None
        if active in combo.choices:
            combo.value = active

    form.native_parent_changed.connect(choose)


@magic_factory(
    call_button="Separate", widget_init=_choose_active, neck={"min": 0.0, "max": 1.0, "step": 0.05}
)
def separate_form(viewer: Viewer, labels: Labels, neck: float = 0.8) -> None:
    """Separate touching objects by their shape, without a model.

    Parameters
    ----------
    viewer : Viewer
    labels : Labels
        Labels or a mask; the layer is not changed.
    neck : float
        Objects are separated where the neck between them is narrower than this share of the
        smaller one.
    """
    if labels is None:
        show_warning(_NO_LABELS)
    else:
        separate_layer(viewer, labels, neck)


@magic_factory(call_button="Split", widget_init=_choose_active)
def components_form(viewer: Viewer, labels: Labels) -> None:
    """Give each connected component of labels, or of a mask, an id of its own.

    Parameters
    ----------
    viewer : Viewer
    labels : Labels
        Labels or a mask; the layer is not changed.
    """
    if labels is None:
        show_warning(_NO_LABELS)
    else:
        split_layer(viewer, labels)


@magic_factory(call_button="Measure", widget_init=_choose_active)
def measure_form(viewer: Viewer, labels: Labels) -> None:
    """Measure objects in every image on their grid; the table becomes the layer's features.

    Parameters
    ----------
    viewer : Viewer
    labels : Labels
        The objects to measure.
    """
    if labels is None:
        show_warning(_NO_LABELS)
    else:
        measure_layer(viewer, labels)


def _follow_unit(form: Any) -> None:
    """Read a plain distance in the unit of the chosen layer."""
    _choose_active(form)

    def follow(layer: Labels | None) -> None:
        try:
            form["distance"].unit = "px" if layer is None else label_volume(layer).unit
        except TallyError:
            form["distance"].unit = "px"

    form[1].changed.connect(follow)


@magic_factory(
    call_button="Grow", widget_init=_follow_unit, distance={"widget_type": LengthEdit, "hint": "5"}
)
def grow_form(viewer: Viewer, nuclei: Labels, distance: str = "5um") -> None:
    """Grow each nucleus to a cell of the same id, none into another.

    Parameters
    ----------
    viewer : Viewer
    nuclei : Labels
        Nuclei; the layer is not changed.
    distance : str
        How far cells reach beyond their nucleus, such as 5um or 20px.
    """
    if nuclei is None:
        show_warning(_NO_LABELS)
    else:
        grow_layer(viewer, nuclei, distance)


@magic_factory(call_button="Save", widget_init=_choose_active, path={"mode": "w"})
def convert_form(viewer: Viewer, layer: Layer, path: Path = Path("image.nii.gz")) -> None:
    """Save a layer in another format, with its voxel size, origin and orientation.

    Parameters
    ----------
    viewer : Viewer
    layer : Layer
        An image or labels.
    path : Path
        The suffix is the format, such as .ome.tif, .nii.gz, .nrrd or .ome.zarr.
    """
    if isinstance(layer, Image | Labels):
        save_layer(layer, path)
    else:
        show_warning("Only images and labels can be saved here. Choose one of them.")
