"""Pascal VOC: pictures with a palette, of classes or objects; 255 is void.

Everingham et al., 2010, https://doi.org/10.1007/s11263-009-0275-4.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.atomic import replacing
from ..core.errors import FileError, InputError
from .formats.integrity import check_file
from .formats.voc_palette import VOID, voc_palette

if TYPE_CHECKING:
    from .object_image import ObjectImage


def write_voc(ids: NDArray[Any], path: Path, known: NDArray[np.bool_] | None = None) -> None:
    """Write class or object ids as a PNG with the palette of Pascal VOC.

    Parameters
    ----------
    ids : ndarray of int, shape (Y, X)
        From 0 to 254.
    known : ndarray of bool, shape (Y, X), optional
        Pixels where it is False become void (255).

    Raises
    ------
    InputError
        If an id is larger, or the array is not 2D.
    FileError
        If the folder cannot be written.
    """
    from PIL import Image

    ids = np.asarray(ids)
    if ids.ndim != 2:
        raise InputError(f"Pascal VOC pictures are 2D (Y, X), not of shape {ids.shape}")
    if ids.min(initial=0) < 0 or ids.max(initial=0) >= VOID:
        raise InputError(
            f"Pascal VOC pictures hold ids from 0 to 254, but the id {ids.max()} occurs",
            hint="Write COCO JSON or Cityscapes instead",
        )
    stored = ids.astype(np.uint8)
    if known is not None:
        stored = np.where(known, stored, np.uint8(VOID))
    picture = Image.fromarray(stored, "P")
    picture.putpalette(voc_palette().ravel().tolist())
    with replacing(path) as part:
        picture.save(part, format="PNG")


def write_voc_pair(image: ObjectImage, classes: Path, objects: Path) -> None:
    """Write the pictures of classes and of objects of an image (SegmentationClass and -Object)."""
    write_voc(image.class_image(), classes, image.known)
    write_voc(image.labels, objects, image.known)


def read_voc(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the ids of a picture with a palette, void as 0, and where they are known.

    Raises
    ------
    FileError
        If the file is missing, damaged, or has no palette.
    """
    from PIL import Image

    check_file(path)
    try:
        with Image.open(path) as picture:
            mode, array = picture.mode, np.asarray(picture)
    except (OSError, ValueError, SyntaxError) as error:
        raise FileError(f"The picture {path} cannot be read ({error})") from error
    if mode not in ("P", "L") or array.ndim != 2:
        raise FileError(
            f"{path} is not a Pascal VOC picture: it has no palette",
            hint="Use the PNG files of SegmentationClass or SegmentationObject",
        )
    known = array != VOID
    return np.where(known, array, 0).astype(np.uint8), known
