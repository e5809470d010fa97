"""A SegFormer and a Mask2Former, trained here on discs, run through a folder and through ONNX.

python benchmarks/transformers_discs.py FOLDER [--steps 4000] [--dock]

Trains both from random weights on simulated discs that touch and overlap (minutes; a run that is
stopped goes on), writes them as Hugging Face folders, exports these to ONNX, imports all four with
`tally models import`, and segments new discs with `tally segment`: one image, and a folder. Prints
AP50 of Mask2Former and Dice of SegFormer; with --dock also those of the Segment dock.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from numpy.typing import NDArray

from napari_tally.heads.validation_score import average_precision
from napari_tally.network.runtimes.transformers_weights import load_network

SIZE, IMAGES, BATCH = 96, 20, 8
MEAN, STD = 0.45, 0.225
OUTPUTS = {
    "segformer": ("logits",),
    "mask2former": ("class_queries_logits", "masks_queries_logits"),
}


def discs(rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return an image of 3 to 7 discs, of which some overlap, and their masks."""
    y, x = np.mgrid[:SIZE, :SIZE]
    image, masks, placed = np.zeros((SIZE, SIZE)), [], []
    for _ in range(rng.integers(3, 8)):
        for _ in range(30):
            radius = rng.uniform(9, 16)
            centre = rng.uniform(radius * 0.7, SIZE - radius * 0.7, 2)
            if all(np.hypot(*(centre - c)) > 0.62 * (radius + r) for c, r in placed):
                break
        else:
            continue
        placed.append((centre, radius))
        away = np.hypot(y - centre[0], x - centre[1]) / radius
        masks.append(away < 1)
        bright = 0.55 + 0.45 * np.clip(1 - away**2, 0, 1)
        image = image + masks[-1] * rng.uniform(0.45, 1) * bright
    image = image + rng.normal(0, 0.05, image.shape)
    return np.clip(image, 0, None).astype(np.float32), np.array(masks)


def network(kind: str) -> torch.nn.Module:
    """Return a network of random weights."""
    import transformers as t

    torch.manual_seed(0)
    if kind == "segformer":
        names = {0: "background", 1: "disc"}
        return t.SegformerForSemanticSegmentation(
            t.SegformerConfig(
                hidden_sizes=[16, 32, 64, 96], depths=[1] * 4, num_attention_heads=[1, 2, 2, 4],
                decoder_hidden_size=64, mlp_ratios=[2] * 4, id2label=names,
                label2id={v: k for k, v in names.items()},
            )
        )  # fmt: skip
    backbone = t.ResNetConfig(
        embedding_size=24, hidden_sizes=[24, 48, 96, 128], depths=[1] * 4, layer_type="basic",
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )  # fmt: skip
    return t.Mask2FormerForUniversalSegmentation(
        t.Mask2FormerConfig(
            backbone_config=backbone, feature_size=64, mask_feature_size=64, hidden_dim=64,
            encoder_feedforward_dim=128, encoder_layers=2, decoder_layers=4,
            num_attention_heads=4, dim_feedforward=128, num_queries=20, train_num_points=1024,
            no_object_weight=0.2, id2label={0: "disc"}, label2id={"disc": 0},
        )
    )  # fmt: skip


def train(kind: str, folder: Path, steps: int, rate: float) -> None:
    """Train a network, and write it as a folder of transformers; go on where a run stopped."""
    model, done, state = network(kind), 0, folder.with_suffix(".pt")
    optimizer = torch.optim.AdamW(model.parameters(), rate, weight_decay=0.01)
    if state.exists():
        saved = torch.load(state)
        model.load_state_dict(saved["net"])
        optimizer.load_state_dict(saved["opt"])
        done = saved["step"]
    rng = np.random.default_rng(1 + done)
    model.train()
    for step in range(done, steps):
        for group in optimizer.param_groups:
            cosine = 0.5 * (1 + math.cos(math.pi * step / steps)) * 0.98 + 0.02
            group["lr"] = rate * min(1, (step + 1) / 100) * cosine
        loss = _loss(kind, model, [discs(rng) for _ in range(BATCH)])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if (step + 1) % 250 == 0 or step + 1 == steps:
            print(f"{kind}: step {step + 1:,}, loss {loss.item():.3f}", flush=True)
            saved = {"net": model.state_dict(), "opt": optimizer.state_dict(), "step": step + 1}
            torch.save(saved, state)
    model.save_pretrained(folder)
    processor = {
        "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "do_resize": True,
        "image_mean": [MEAN] * 3, "image_std": [STD] * 3, "size": {"height": SIZE, "width": SIZE},
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))


def _loss(kind: str, model: torch.nn.Module, scenes: list[Any]) -> torch.Tensor:
    pixels = torch.from_numpy(np.stack([image for image, _ in scenes]))[:, None].repeat(1, 3, 1, 1)
    pixels = (pixels - MEAN) / STD
    if kind == "segformer":
        inside = torch.from_numpy(np.stack([masks.any(axis=0) for _, masks in scenes])).long()
        return model(pixel_values=pixels, labels=inside).loss
    return model(
        pixel_values=pixels,
        mask_labels=[torch.from_numpy(masks).float() for _, masks in scenes],
        class_labels=[torch.zeros(len(masks), dtype=torch.long) for _, masks in scenes],
    ).loss.sum()


class Plain(torch.nn.Module):
    """A network of transformers that returns a tuple."""

    def __init__(self, model: torch.nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the outputs of these names."""
        found = self.model(pixel_values=pixels)
        return tuple(found[name] for name in self.names)


def export(kind: str, folder: Path) -> Path:
    """Export a folder to ONNX, with free height and width."""
    names, path = OUTPUTS[kind], folder.with_suffix(".onnx")
    free = {2: "height", 3: "width"}
    axes = {name: free for name in ("pixel_values", *names) if name != "class_queries_logits"}
    torch.onnx.export(
        Plain(load_network(folder), names), (torch.rand(1, 3, SIZE, SIZE),), str(path),
        input_names=["pixel_values"], output_names=list(names), dynamic_axes=axes,
        opset_version=17, dynamo=False,
    )  # fmt: skip
    return path


def tally(*arguments: str | Path) -> None:
    """Run a command."""
    command = [sys.executable, "-m", "napari_tally", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def imported(name: str, path: Path) -> None:
    """Import a folder, or an ONNX file of which nothing but the graph is known."""
    how: list[str] = []
    if path.suffix == ".onnx":
        mean, std = [MEAN] * 3, [STD] * 3
        normalizer = {"name": "standard", "scale": 1 / 255, "mean": mean, "std": std}
        how = ["--normalizer", json.dumps(normalizer), "--input-size", str(SIZE)]
        how += ["--classes", "disc"]
    tally("models", "import", path, "--name", name, "--yes", "--overwrite", *how)


def score(name: str, found: list[NDArray[Any]], truth: list[NDArray[np.uint16]]) -> str:
    """Return AP50, or Dice, in words."""
    if "mask2former" in name:
        return f"AP50 {average_precision(found, truth).numbers['ap50']:.3f}"
    both = sum(((f > 0) & (t > 0)).sum() for f, t in zip(found, truth, strict=True))
    each = sum((f > 0).sum() + (t > 0).sum() for f, t in zip(found, truth, strict=True))
    return f"Dice {2 * both / each:.3f}"


def scenes(folder: Path) -> tuple[list[Path], list[NDArray[np.uint16]]]:
    """Write images that were not trained on; return them and their labels."""
    folder.mkdir(exist_ok=True)
    rng, paths, truth = np.random.default_rng(77), [], []
    for number in range(IMAGES):
        image, masks = discs(rng)
        labels = np.zeros(image.shape, np.uint16)
        for i, mask in enumerate(masks, 1):
            labels[mask] = i
        paths.append(folder / f"{number:02}.tif")
        tifffile.imwrite(paths[-1], np.clip(image * 255, 0, 255).astype(np.uint8))
        truth.append(labels)
    return paths, truth


def segmented(name: str, images: list[Path], output: Path) -> list[NDArray[Any]]:
    """Segment images with one command; return the label or class images."""
    given = [images[0].parent] if len(images) > 1 else images
    tally("segment", *given, "--model", name, "-o", output, "--overwrite", "--device", "cpu")
    what = "labels" if "mask2former" in name else "classes"
    return [tifffile.imread(next(output.glob(f"{path.stem}*{what}*.tif*"))) for path in images]


def in_dock(name: str, images: list[Path]) -> list[NDArray[Any]]:
    """Segment images in the Segment dock of a viewer."""
    import napari
    from qtpy.QtTest import QTest

    viewer = napari.Viewer(show=False)
    _, dock = viewer.window.add_plugin_dock_widget("napari-tally", "Segment")
    found = []
    for path in images:
        viewer.layers.clear()
        viewer.add_image(tifffile.imread(path), name=path.stem)
        dock.form.model.value = name
        QTest.qWait(500)
        dock.panel.run.click()
        layers = []
        for _ in range(1200):
            QTest.qWait(100)
            layers = [layer for layer in viewer.layers if isinstance(layer, napari.layers.Labels)]
            if layers and not dock.runner.busy:
                break
        found.append(np.asarray(layers[0].data))
    viewer.close()
    return found


def main() -> None:
    """Train, import, segment, score."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--dock", action="store_true")
    how = parser.parse_args()
    how.folder.mkdir(parents=True, exist_ok=True)
    os.environ["TALLY_MODELS"] = str(how.folder / "models")
    images, truth = scenes(how.folder / "images")
    for kind, steps, rate in (("segformer", 600, 2e-3), ("mask2former", how.steps, 1e-3)):
        folder = how.folder / kind
        if not (folder / "config.json").exists():
            train(kind, folder, steps, rate)
        for path in (folder, export(kind, folder)):
            name = f"{kind}-{'onnx' if path.suffix else 'folder'}"
            imported(name, path)
            output = how.folder / "results" / name
            one = score(name, segmented(name, images[:1], output / "one"), truth[:1])
            batch = score(name, segmented(name, images, output / "batch"), truth)
            line = f"{name}: one image {one}, folder of {IMAGES} {batch}"
            if how.dock:
                line += f", dock {score(name, in_dock(name, images[:3]), truth[:3])}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
