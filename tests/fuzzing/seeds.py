"""Small valid inputs of every kind, with the commands that read them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import lif
import numpy as np
import tifffile
from dicoms import save_enhanced, save_series
from PIL import Image

from napari_tally import Volume, write
from napari_tally.models import bundle

Command = list[str]


@dataclass(frozen=True)
class Seed:
    """A kind of input.

    Attributes
    ----------
    name : str
        Its name in the report.
    make : callable
        Writes it to a folder.
    commands : list of list of str
        What reads it, run in that folder.
    damaged : str
        Pattern of the files that are damaged.
    """

    name: str
    make: Callable[[Path], None]
    commands: tuple[Command, ...]
    damaged: str = "*"


def cells(ndim: int = 2) -> np.ndarray:
    """Return labels of four touching boxes."""
    labels = np.zeros((4, 24, 30)[-ndim:], np.uint8)
    for i in range(4):
        labels[..., 3 + 9 * (i // 2) : 12 + 9 * (i // 2), 4 + 11 * (i % 2) : 15 + 11 * (i % 2)] = (
            i + 1
        )
    return labels


def image(ndim: int = 2) -> np.ndarray:
    """Return an image of them."""
    noise = np.random.default_rng(0).integers(0, 40, cells(ndim).shape)
    return (cells(ndim) * 200 + noise).astype(np.uint16)


def volume(ndim: int = 3, *, labels: bool = False) -> Volume:
    """Return a calibrated image, or its labels."""
    array = cells(ndim) if labels else image(ndim)
    return Volume(array, "ZYX"[-ndim:], (2.0, 0.5, 0.5)[-ndim:], "um", is_labels=labels)


def placed(*, labels: bool = False) -> Volume:
    """Return a volume in mm with an affine."""
    return replace(volume(labels=labels), unit="mm", affine=np.diag([2.0, 0.5, 0.5, 1.0]))


def written(name: str, made: Callable[[], Volume], **options: object) -> Seed:
    """Return a kind that our own writer writes."""
    show: Command = ["info", name]
    use = ["measure", name, "-o", "t.csv"] if made().is_labels else ["convert", name, "o.tif"]
    return Seed(
        " ".join([name, *map(str, options.values())]),
        lambda folder: write(made(), folder / name, **options),
        (show, use),
    )


def read_only(name: str, make: Callable[[Path], None]) -> Seed:
    """Return a kind that only others write."""
    return Seed(name, make, (["info", name], ["convert", name, "o.tif"]))


def imagej(path: Path) -> None:
    """Write a stack as ImageJ does, compressed."""
    metadata = {"axes": "ZYX", "unit": "um", "spacing": 2.0}
    tifffile.imwrite(path, image(3), imagej=True, resolution=(2, 2), metadata=metadata)


def ome_set(folder: Path) -> None:
    """Write two channels as an OME-TIFF each, of one set."""
    names = [folder / "s_c0.ome.tif", folder / "s_c1.ome.tif"]
    for name in names:
        tifffile.imwrite(name, image(3), metadata={"axes": "ZYX", "PhysicalSizeX": 0.5})


def czi(path: Path) -> None:
    """Write a CZI by Zeiss's library."""
    from pylibCZIrw import czi

    with czi.create_czi(str(path)) as file:
        file.write(image()[..., None], plane={"C": 0, "Z": 0, "T": 0})


def picture(path: Path) -> None:
    """Write labels as a picture with a palette, or a photograph."""
    made = Image.fromarray(cells() * 50)
    if path.suffix in (".png", ".bmp", ".gif"):
        made = Image.fromarray(cells())
        made.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0, 0, 0, 128])
    made.save(path)


def dicom_series(path: Path) -> None:
    """Write a series of slices to a folder."""
    stack = image(3).astype(np.int16)
    save_series(path, stack, np.array([[0, 0, 2.0 * z] for z in range(len(stack))]))


def dicom_frames(path: Path) -> None:
    """Write an enhanced DICOM of several frames."""
    stack = image(3).astype(np.int16)
    save_enhanced(path, stack, np.array([[0, 0, 2.0 * z] for z in range(len(stack))]))


def coco(folder: Path) -> None:
    """Write images and their COCO annotations."""
    (folder / "i").mkdir()
    notes = []
    for i in range(3):
        Image.fromarray((cells() * 50).astype(np.uint8)).save(folder / "i" / f"{i}.png")
        box = [4, 3, 11, 9]
        ring = [4, 3, 15, 3, 15, 12, 4, 12]
        runs = {"counts": [100, 30, 24 * 30 - 130], "size": [24, 30]}
        for k, outline in enumerate(([ring], runs)):
            common = {"image_id": i, "category_id": 1, "iscrowd": 0, "area": 99, "bbox": box}
            notes.append({"id": 10 * i + k, "segmentation": outline, **common})
    images = [{"id": i, "file_name": f"{i}.png", "height": 24, "width": 30} for i in range(3)]
    content = {"images": images, "annotations": notes, "categories": [{"id": 1, "name": "cell"}]}
    (folder / "c.json").write_text(json.dumps(content))


def training_pairs(folder: Path) -> None:
    """Write images with labels of their names."""
    for name, made in (("images", volume(2)), ("labels", volume(2, labels=True))):
        (folder / name).mkdir()
        for i in range(3):
            write(made, folder / name / f"{i}.tif")


def model(folder: Path) -> None:
    """Copy a model, and write an image that it segments."""
    shutil.copytree(bundle.SHIPPED / "nuclei-2d", folder / "m")
    write(volume(2), folder / "a.tif")


def pickled_model(folder: Path) -> None:
    """Write a model whose weights are a checkpoint of PyTorch."""
    import torch
    from safetensors.torch import load_file

    model(folder)
    weights = folder / "m/models/model.safetensors"
    torch.save(load_file(weights), weights.with_suffix(".pt"))
    weights.unlink()


TRAIN: Command = ["train", "images", "--ground-truth", "labels", "-o", "m", "--steps", "2"]
SMALL: Command = ["--batch", "1", "--patch", "16,16", "--workers", "0", "--licence", "CC0-1.0"]
SEGMENT: Command = ["segment", "a.tif", "-o", "out", "-m", "m", "--device", "cpu"]


def resumable(folder: Path) -> None:
    """Stop a training after two of four steps."""
    from napari_tally.core.progress import drain
    from napari_tally.training.data.read_labelled import folders_steps
    from napari_tally.training.plan.options import TrainingOptions
    from napari_tally.training.train import training_steps

    training_pairs(folder)
    pairs = drain(folders_steps(folder / "images", folder / "labels"))
    options = TrainingOptions(
        steps=4, batch=1, patch=(16, 16), workers=0, licence="CC0-1.0", device="cpu"
    )
    run = training_steps(pairs, folder / "m", options)
    while not (folder / "m.training" / "last.pt").exists():
        next(run)
    run.close()
    shutil.rmtree(folder / "m", ignore_errors=True)


def segmented(folder: Path) -> None:
    """Segment an image."""
    from napari_tally.cli.app import app

    write(volume(2), folder / "a.tif")
    app(["segment", str(folder / "a.tif"), "-o", str(folder / "out")], standalone_mode=False)


def in_folder(make: Callable[[Path], None], name: str) -> Callable[[Path], None]:
    """Return a function that writes a file of a name to a folder."""
    return lambda folder: make(folder / name)


SEEDS = (
    written("plain.tif", lambda: replace(volume(2, labels=True), spacing=None, unit="px")),
    written("labels.ome.tif", lambda: volume(labels=True)),
    written("image.ome.tif", volume),
    read_only("imagej.tif", in_folder(imagej, "imagej.tif")),
    read_only("s_c0.ome.tif", ome_set),
    written("image.nii", placed),
    written("labels.nii.gz", lambda: placed(labels=True)),
    written("image.nrrd", placed),
    written("labels.nrrd", lambda: placed(labels=True)),
    written("image.mha", placed),
    written("image.mhd", placed),
    read_only("series", in_folder(dicom_series, "series")),
    read_only("frames.dcm", in_folder(dicom_frames, "frames.dcm")),
    written("image.ome.zarr", volume, zarr_version="0.4"),
    written("image.ome.zarr", volume, zarr_version="0.5"),
    written("labels.ome.zarr", lambda: volume(labels=True)),
    read_only("a.png", in_folder(picture, "a.png")),
    read_only("a.jpg", in_folder(picture, "a.jpg")),
    read_only("a.bmp", in_folder(picture, "a.bmp")),
    read_only(
        "a.lif", lambda f: lif.write(f / "a.lif", [lif.Image("a", image()[None], (1e-6,) * 2)])
    ),
    read_only("a.czi", in_folder(czi, "a.czi")),
    Seed(
        "COCO", coco, (["train", "i", "--ground-truth", "c.json", "-o", "m", "--plan"],), "c.json"
    ),
    Seed("model folder", model, (["models", "show", "m"], SEGMENT), "m/**/*"),
    Seed("weights of PyTorch", pickled_model, (SEGMENT,), "m/models/*.pt"),
    Seed("checkpoint", resumable, ([*TRAIN, *SMALL, "--resume"],), "m.training/*"),
    Seed("run record", segmented, (["segment", "a.tif", "-o", "out"],), "out/*"),
)
