"""Sample data in napari's File menu: nuclei to try everything on, some of them with truth."""

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
    """Return simulated touching nuclei, 512 x 512, and their truth in a hidden layer."""
    from ...simulate.nuclei import NucleiField

    return _simulated(NucleiField())


def nuclei_3d() -> list[LayerData]:
    """Return simulated touching nuclei, 32 x 256 x 256, coarser in Z, and their hidden truth."""
    from ...simulate.nuclei import NucleiField

    field = NucleiField(
        shape=(32, 256, 256), spacing_um=(1.0, 0.4, 0.4), diameter_um=10.0, count=130
    )
    return _simulated(field)


def brain_phantom() -> list[LayerData]:
    """Return a phantom of a hippocampus in a brain, 36 x 52 x 36, and its hidden truth."""
    from ...simulate.phantom import BrainPhantom
    from .reader import layers_of

    phantom = BrainPhantom()
    image, classes = phantom.draw()
    seen = Volume(image, "ZYX", phantom.spacing_mm, "mm", phantom.affine, name="brain phantom")
    truth = replace(seen, array=classes, name=f"{seen.name} (truth)", is_labels=True)
    return layers_of([seen]) + layers_of([truth], visible=False)


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

    The image is that of `skimage.data.human_mitosis`, downloaded when it is first asked for.

    Raises
    ------
    InputError
        If the package that downloads it is not installed.
    FileError
        If it cannot be downloaded.
    """
    return [_image(Volume(_downloaded("human_mitosis"), "YX", name="human mitosis"))]


def _downloaded(name: str) -> NDArray[np.generic]:
    """Return an image of `skimage.data`, from the network if it has not been there yet."""
    from skimage import data

    try:
        return np.asarray(getattr(data, name)())
    except ImportError:
        raise InputError(
            f"The package pooch is needed to download the image {name}",
            "none",
            "Install it with: pip install pooch",
        ) from None
    except (OSError, ValueError) as error:  # no network; not the file that was expected
        raise FileError(
            f"A download of the image {name} is needed, once",
            shorten(sentence(error), 120),
            "Try again with a network connection, or open the simulated nuclei, which need none",
        ) from None


def _simulated(field: NucleiField) -> list[LayerData]:
    image, labels = field.draw()
    axes = "ZYX"[-image.ndim :]
    seen = Volume(image, axes, field.spacing_um, "um", name="simulated nuclei")
    truth = {**geometry_of_volume(seen), "name": f"{seen.name} (truth)", "visible": False}
    return [_image(seen), (labels, truth, "labels")]


def _image(volume: Volume) -> LayerData:
    array = np.asarray(volume.array)
    low, high = (float(v) for v in np.percentile(array, (0.5, 99.9)))
    limits = (low, max(high, low + 1))
    look = {"name": volume.name, "colormap": "gray", "contrast_limits": limits}
    return array, {**geometry_of_volume(volume), **look}, "image"
