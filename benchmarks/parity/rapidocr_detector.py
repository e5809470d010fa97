"""Do we find the lines of text that RapidOCR finds with its detector (PP-OCR)?

The package has code and weights, both Apache-2.0::

    pip install napari-tally[onnx]
    pip install --no-deps rapidocr==3.10.0 opencv-python-headless pyclipper shapely omegaconf \\
        antlr4-python3-runtime==4.9.3 colorlog

Run with `python benchmarks/parity/rapidocr_detector.py`. RapidOCR returns a box around each line;
we return the pixels of the text, shrunk as the network was trained to give them.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import rapidocr
import skimage.data
import skimage.io
from matplotlib.path import Path as Polygon
from rapidocr import RapidOCR
from scipy.ndimage import center_of_mass

import napari_tally
from napari_tally.models.importing.importing import propose, save_proposal
from napari_tally.models.importing.proposal import ImportSettings


def main() -> None:
    """Print the lines of both, and which of ours lies in which of theirs."""
    os.environ["TALLY_MODELS"] = tempfile.mkdtemp()
    (path,) = (Path(rapidocr.__file__).parent / "models").glob("*det*.onnx")
    settings = ImportSettings(classes=("text",), licence="Apache-2.0")
    proposal = propose(path, settings)
    print(f"{path.name}: {'; '.join(proposal.understood)}")
    name = save_proposal(proposal).name
    image = skimage.data.page()
    file = Path(os.environ["TALLY_MODELS"]) / "page.png"
    skimage.io.imsave(file, image, check_contrast=False)
    boxes = RapidOCR()(str(file), use_det=True, use_cls=False, use_rec=False).boxes
    labels = np.asarray(napari_tally.segment(file, name, separate=True).labels)
    centres = np.array(center_of_mass(labels > 0, labels, range(1, labels.max() + 1)))[:, ::-1]
    inside = np.array([Polygon(box).contains_points(centres) for box in boxes])
    print(
        f"{len(boxes)} boxes, {labels.max()} objects; boxes with one object "
        f"{np.count_nonzero(inside.sum(1) == 1)}, objects in one box "
        f"{np.count_nonzero(inside.sum(0) == 1)}"
    )
    for left in np.flatnonzero(~inside.any(0)):
        x, y = centres[left]
        print(f"  in no box: {np.count_nonzero(labels == left + 1)} px at {x:.0f}, {y:.0f}")


if __name__ == "__main__":
    main()
