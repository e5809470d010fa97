"""Label layers, and the images on their grid, as volumes to be measured."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari.layers import Image, Labels

from ...core.errors import InputError
from ...core.volume import Volume
from .image_layer import axes_of, calibration_of, known_axes
from .same_place import brought

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel

AXES = "TZYX"


def label_axes(layer: Labels, images: Sequence[Image] = ()) -> str:
    """Return the axes of a label layer.

    They are its own if known, else those of the first image on its grid whose axes are known, else
    the last ones of TZYX.
    """
    return known_label_axes(layer, images) or AXES[-layer.ndim :]


def known_label_axes(layer: Labels, images: Sequence[Image] = ()) -> str:
    """Return the axes of a label layer, "" if neither it nor an image on its grid has any."""
    own = known_axes(layer)
    found = (own, *(known_axes(image).replace("C", "") for image in images))
    return next((axes for axes in found if len(axes) == layer.ndim and "C" not in axes), "")


def label_volume(layer: Labels, axes: str | None = None, images: Sequence[Image] = ()) -> Volume:
    """Return labels as a volume; nothing is copied.

    Uncalibrated labels take the calibration of an image on their grid, and labels whose axes are
    not known its axes.

    Raises
    ------
    InputError
        If they are multiscale or have too few or too many axes.
    """
    if layer.multiscale or not 2 <= layer.ndim <= len(AXES):
        problem = "is multiscale" if layer.multiscale else f"has {layer.ndim} axes"
        raise InputError(
            f"Layer {layer.name} {problem}", hint="Choose a single-scale layer of 2 to 4 axes"
        )
    axes = axes or label_axes(layer, images)
    own = _placed(layer, axes, is_labels=True)
    sources = [own, *(image_volume(image, axes) for image in images)]
    calibrated = next((volume for volume in sources if volume.calibrated), own)
    return replace(own, spacing=calibrated.spacing, unit=calibrated.unit)


def image_volume(image: Image, axes: str) -> Volume:
    """Return an image on the grid of labels of these axes as a volume, with its channels."""
    if image.rgb:
        axes = f"{axes}C"
    elif image.ndim != len(axes):
        axes = axes_of(image)
    return _placed(image, axes, is_labels=False)


def images_on_grid(viewer: ViewerModel, labels: Labels) -> list[Image]:
    """Return the image layers that show the place of a label layer, on its grid."""
    return [i for i in viewer.layers if isinstance(i, Image) and on_grid(i, labels)]


def images_elsewhere(viewer: ViewerModel, labels: Labels) -> list[str]:
    """Return why images of the same shape as a label layer are not on its grid."""
    found = []
    for image in viewer.layers:
        if isinstance(image, Image) and (meeting := _volumes(image, labels)) is not None:
            problem = _apart(image, labels, meeting)
            found += [problem] if problem else []
    return found


def on_grid(layer: Image, labels: Labels) -> bool:
    """Tell whether an image without its channels shows the place of labels, on their grid."""
    meeting = _volumes(layer, labels)
    return meeting is not None and not _apart(layer, labels, meeting)


def brought_images(
    images: Sequence[Image], labels: Labels, volume: Volume
) -> tuple[list[Volume], list[str]]:
    """Return images on the grid of labels, and notes on what was done.

    Raises
    ------
    InputError
        If one is in another place.
    """
    pairs = [brought(image_volume(i, volume.axes), i, volume, labels) for i in images]
    return [image for image, _ in pairs], [note for _, note in pairs if note]


def _volumes(image: Image, labels: Labels) -> tuple[Volume, Volume] | None:
    """Return an image and labels as volumes if their axes and shapes fit."""
    if image.multiscale or labels.multiscale or not 2 <= labels.ndim <= len(AXES):
        return None
    own = known_axes(labels).replace("C", "")
    if len(own) != labels.ndim:
        own = axes_of(image).replace("C", "") if image.ndim > labels.ndim else AXES[-labels.ndim :]
    if len(own) != labels.ndim or image.ndim - labels.ndim not in (0, 1):
        return None
    axes = own if image.ndim == labels.ndim else axes_of(image)
    axes = f"{axes}C" if image.rgb else axes
    shape = [n for n, a in zip(image.data.shape, axes, strict=True) if a != "C"]
    if axes.replace("C", "") != own or tuple(shape) != labels.data.shape:
        return None
    names = (image, axes), (labels, own)
    first, second = (Volume(layer.data, a, name=layer.name) for layer, a in names)
    return first, second


def _apart(image: Image, labels: Labels, meeting: tuple[Volume, Volume]) -> str:
    """Return why an image is not on the grid of labels, "" if it is."""
    try:
        brought(meeting[0], image, meeting[1], labels)
    except InputError as error:
        return error.problem
    return ""


def _placed(layer: Image | Labels, axes: str, *, is_labels: bool) -> Volume:
    Volume(layer.data, axes, name=layer.name)  # checks the axes
    spacing, unit = calibration_of(layer, axes)
    return Volume(layer.data, axes, spacing, unit, name=layer.name, is_labels=is_labels)
