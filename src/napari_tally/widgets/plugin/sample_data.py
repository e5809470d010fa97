"""Sample data in napari's File menu, some of it with ground truth."""

from __future__ import annotations

from dataclasses import replace
from textwrap import shorten
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.errors import FileError, InputError, sentence
from ...core.volume import Volume
from ..layers.placement import geometry_of_volume

if TYPE_CHECKING:
    from napari.types import LayerData

    from ...simulate.nuclei import NucleiField


def nuclei_2d() -> list[LayerData]:
    """Return simulated touching nuclei, 512 x 512, with ground truth in a hidden layer."""
    from ...simulate.nuclei import NucleiField

    return _simulated(NucleiField())


def nuclei_3d() -> list[LayerData]:
    """Return simulated touching nuclei, 32 x 256 x 256, coarser in Z, with hidden ground truth."""
    from ...simulate.nuclei import NucleiField

    field = NucleiField(
        shape=(32, 256, 256), spacing_um=(1.0, 0.4, 0.4), diameter_um=10.0, count=130
    )
    return _simulated(field)


def brain_phantom() -> list[LayerData]:
    """Return a phantom of a hippocampus in a brain, 36 x 52 x 36, with hidden ground truth."""
    from ...simulate.phantom import BrainPhantom
    from .reader import layers_of

    phantom = BrainPhantom()
    image, classes = phantom.draw()
    volume = Volume(image, "ZYX", phantom.spacing_mm, "mm", phantom.affine, name="brain phantom")
    name = f"{volume.name} (ground truth)"
    ground_truth = replace(volume, array=classes, name=name, is_labels=True)
    return layers_of([volume]) + layers_of([ground_truth], visible=False)


def cells3d() -> list[LayerData]:
    """Return the nuclei of `cells3d`, 60 x 256 x 256.

    Raises
    ------
    InputError
        If the package with the image is not installed.
    """
    from ...segmentation.demo import cells3d_nuclei

    return [_image(replace(cells3d_nuclei(), name="cells3d nuclei"))]


def cells3d_projection() -> list[LayerData]:
    """Return the maximum along Z of the nuclei of `cells3d`, 256 x 256.

    Raises
    ------
    InputError
        If the package with the image is not installed.
    """
    from ...segmentation.demo import cells3d_nuclei

    stack = cells3d_nuclei()
    highest = np.asarray(stack.array).max(0)
    return [_image(replace(stack.at("Z", 0), array=highest, name="cells3d nuclei (projection)"))]


def human_mitosis() -> list[LayerData]:
    """Return human nuclei, some in mitosis, 512 x 512, without calibration.

    This is `skimage.data.human_mitosis`, downloaded at first use.

    Raises
    ------
    InputError
        If pooch, which downloads the image, is not installed.
    FileError
        If the image cannot be downloaded.
    """
    return [_image(Volume(_downloaded("human_mitosis"), "YX", name="human mitosis"))]


def _downloaded(name: str) -> NDArray[np.generic]:
    """Return an image of `skimage.data`, downloaded unless it is cached."""
    from skimage import data

    try:
        return np.asarray(getattr(data, name)())
    except ImportError:
        raise InputError(
            f"Image {name} cannot be downloaded without the package pooch",
            hint="Install it with: pip install pooch",
        ) from None
    except (OSError, ValueError) as error:  # no network, or a wrong checksum
        raise FileError(
            f"Image {name} cannot be downloaded: {shorten(sentence(error), 120).rstrip('.')}",
            hint="Check the network connection, or open the simulated nuclei instead",
        ) from None


def _simulated(field: NucleiField) -> list[LayerData]:
    image, labels = field.draw()
    axes = "ZYX"[-image.ndim :]
    volume = Volume(image, axes, field.spacing_um, "um", name="simulated nuclei")
    name = f"{volume.name} (ground truth)"
    hidden = {**geometry_of_volume(volume), "name": name, "visible": False}
    return [_image(volume), (labels, hidden, "labels")]


def _image(volume: Volume) -> LayerData:
    array = np.asarray(volume.array)
    low, high = (float(v) for v in np.percentile(array, (0.5, 99.9)))
    limits = (low, max(high, low + 1))
    look = {"name": volume.name, "colormap": "gray", "contrast_limits": limits}
    return array, {**geometry_of_volume(volume), **look}, "image"
