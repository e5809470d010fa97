"""What perfect networks of each family would return for an image with these labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects
from skimage.transform import resize

Outputs = dict[str, NDArray]


class Truth:
    """Objects of an image, seen by a network on an input and a coarser grid of masks.

    Objects may overlap: masks are of shape (n, Y, X) on the grid of the image.
    """

    def __init__(self, masks: NDArray, zoom: int, stride: int = 4, classes: NDArray | None = None):
        self.masks = masks.astype(bool)
        self.shape = masks.shape[1:]
        self.input_shape = (self.shape[0] * zoom, self.shape[1] * zoom)
        self.grid = tuple(n // stride for n in self.input_shape)
        self.zoom = zoom
        self.classes = np.zeros(len(masks), int) if classes is None else classes
        self.scores = np.linspace(0.95, 0.6, len(masks)) if len(masks) else np.zeros(0)

    @classmethod
    def of_labels(cls, labels: NDArray, zoom: int, **kwargs) -> Truth:
        ids = np.unique(labels[labels > 0])
        return cls(np.stack([labels == i for i in ids]), zoom, **kwargs)

    @property
    def boxes(self) -> NDArray:
        """(x0, y0, x1, y1) in px of the input."""
        found = []
        for mask in self.masks:
            y, x = find_objects(mask.astype(np.uint8))[0]
            found.append((x.start, y.start, x.stop, y.stop))
        return np.array(found, np.float32).reshape(-1, 4) * self.zoom

    def on_grid(self) -> NDArray:
        """Return the share of each cell that each object covers."""
        shape = (len(self.masks), *self.grid)
        if not len(self.masks):
            return np.zeros(shape, np.float32)
        return resize(self.masks.astype(np.float32), shape, order=1, anti_aliasing=True)

    def queries(self, classes: int = 2) -> Outputs:
        count = len(self.masks)
        logits = np.full((1, count + 5, classes + 1), -8.0, np.float32)
        logits[0, np.arange(count), self.classes] = 8 * self.scores
        logits[0, count:, -1] = 8
        masks = np.full((1, count + 5, *self.grid), -9.0, np.float32)
        masks[0, :count] = 20 * self.on_grid() - 10
        return {"logits": logits, "pred_masks": masks}

    def colours(self) -> NDArray:
        """Number objects such that those with boxes near each other differ."""
        boxes, colours = self.boxes, np.zeros(len(self.masks), int)
        margin = 3 * self.input_shape[0] / self.grid[0]
        for i, box in enumerate(boxes):
            near = (boxes[:i, :2] < box[2:] + margin).all(1) & (
                boxes[:i, 2:] > box[:2] - margin
            ).all(1)
            taken = set(colours[:i][near])
            colours[i] = next(c for c in range(len(boxes) + 1) if c not in taken)
        return colours

    def prototypes(self, count: int = 32) -> tuple[NDArray, NDArray]:
        """Return prototypes (k, h, w) and coefficients (n, k), one colour a prototype."""
        colours = self.colours()
        planes = np.zeros((count, *self.grid), np.float32)
        np.maximum.at(planes, colours, self.on_grid())
        coefficients = np.zeros((len(self.masks), count), np.float32)
        coefficients[np.arange(len(colours)), colours] = 12
        return 2 * planes - 1, coefficients

    def yolo(self, layout: str, classes: int = 2, masks: bool = True) -> Outputs:
        boxes = self.boxes
        planes, coefficients = self.prototypes() if masks else (None, boxes[:, :0])
        kinds = np.eye(classes, dtype=np.float32)[self.classes]
        scores = self.scores[:, None].astype(np.float32)
        centred = np.concatenate(
            [(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], 1
        )
        if layout == "end_to_end":
            rows = np.concatenate([boxes, scores, self.classes[:, None], coefficients], 1)
            rows = np.concatenate([rows, np.zeros((5, rows.shape[1]))])
        elif layout == "v5":
            rows = np.concatenate([centred, scores, kinds, coefficients], 1)
        else:
            rows = np.concatenate([centred, scores * kinds, coefficients], 1)
        if layout != "end_to_end":  # each object is found three times, and there is background
            worse = rows.copy()
            worse[:, :4] += 1
            worse[:, 4 : rows.shape[1] - coefficients.shape[1]] *= 0.9
            rows = np.concatenate([worse, rows, np.zeros((300, rows.shape[1])), worse])
        rows = rows.astype(np.float32)
        found = {"output0": (rows.T if layout == "v8" else rows)[None]}
        return found | ({} if planes is None else {"output1": planes[None]})

    def yolact(self, classes: int = 2) -> Outputs:
        planes, coefficients = self.prototypes()
        size = np.tile(self.input_shape[::-1], 2)
        boxes = self.boxes / size
        centre, side = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
        rng = np.random.default_rng(0)
        priors = np.concatenate([centre, side * rng.uniform(0.7, 1.4, side.shape)], 1)
        priors[:, :2] += priors[:, 2:] * rng.uniform(-0.2, 0.2, side.shape)
        loc = np.concatenate(
            [(centre - priors[:, :2]) / 0.1 / priors[:, 2:], np.log(side / priors[:, 2:]) / 0.2], 1
        )
        conf = np.zeros((len(boxes), classes + 1), np.float32)
        conf[np.arange(len(boxes)), self.classes + 1] = self.scores
        conf[:, 0] = 1 - self.scores
        arrays = {"loc": loc[None], "conf": conf[None], "mask": coefficients[None]}
        arrays |= {"priors": priors, "proto": np.moveaxis(planes, 0, -1)[None]}
        return {name: a.astype(np.float32) for name, a in arrays.items()}

    def box_masks(self, pasted: bool, size: int = 28) -> Outputs:
        labels = self.classes.astype(np.int64) + int(pasted)
        found = {"boxes": self.boxes, "labels": labels, "scores": self.scores.astype(np.float32)}
        if pasted:
            big = np.kron(self.masks, np.ones((1, self.zoom, self.zoom)))
            return found | {"masks": big[:, None].astype(np.float32)}
        small = []
        for mask in self.masks:
            box = find_objects(mask.astype(np.uint8))[0]
            small.append(resize(mask[box].astype(np.float32), (size, size), order=1))
        return found | {"masks": np.array(small, np.float32)[:, None]}


def discs(
    shape: tuple[int, int], centres: list[tuple[float, float]], radius: float
) -> NDArray[np.bool_]:
    """Return masks of discs, which may overlap, shape (n, Y, X)."""
    y, x = np.indices(shape)
    return np.stack([np.hypot(y + 0.5 - cy, x + 0.5 - cx) < radius for cy, cx in centres])
