"""From an image to distinct, measured objects."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.progress import Step, Steps
from ..geometry.resample import resample_image, resample_labels, scaled_shape
from ..heads.semantic import Semantic
from ..network.device import choose_device, choose_dtype
from ..network.tiling import Inference
from ..objects.relabel import relabel, remove_small
from .diameter import Guess, guess_steps
from .measure import measure_volumes
from .prepare import Planes, planes
from .result import Result

if TYPE_CHECKING:
    import pandas as pd

    from ..core.volume import Volume
    from ..models.folder import Model
    from .options import SegmentOptions


def segment_steps(volume: Volume, model: Model, options: SegmentOptions) -> Steps[Result]:
    """Segment a volume and measure its objects; yield after every batch of windows and plane.

    Axes that the model does not take (frames, slices of a stack for a 2D model) are gone through
    one by one; ids are unique over all of them, and the table says in which an object lies.

    Raises
    ------
    InputError
        If the image is not what the model takes, or an option does not fit it.
    """
    run = _Segmentation(volume, model, options)
    for note in run.notes:
        yield Step("read the image", 1, 1, note)
    yield from run.choose_scale()
    for number, index in enumerate(run.planes.indices()):
        yield from run.plane(index)
        yield Step("separate and measure", number + 1, len(run.planes))
    return run.result()


class _Segmentation:
    """One volume under way."""

    def __init__(self, volume: Volume, model: Model, options: SegmentOptions) -> None:
        self.volume, self.model, self.options = volume, model, options
        self.planes, self.notes = planes(volume, model, options.channel)
        self.seconds: dict[str, float] = {}
        self.told = options.diameter_px(volume)
        self.smallest = options.min_voxels(volume, self.planes.ndim)
        self.head = model.info.head
        if options.threshold is not None and hasattr(self.head, "threshold"):
            self.head = self.head.model_copy(update={"threshold": options.threshold})
        device = choose_device(options.device)
        self.inference = Inference(
            model.network,
            self.head.activate,
            model.architecture.stride,
            device,
            choose_dtype(device, options.precision),
            options.tiling,
        )
        with self.timed("normalize"):
            self.limits = model.info.normalizer.fit(self.planes.image)
        self.guess = Guess(self.told, 1.0)
        self.labels = np.zeros(self.planes.image.shape[1:], np.uint32)
        self.tables: list[pd.DataFrame] = []
        self.maps: list[NDArray[np.float32]] = []
        self.count = 0
        if not volume.calibrated:
            self.notes.append(f"{volume.name} has no calibration: measured in px")

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start

    def normalized(self, index: tuple[int, ...]) -> NDArray[np.float32]:
        with self.timed("normalize"):
            return self.model.info.normalizer(self.planes.at(index), self.limits)

    def choose_scale(self) -> Steps[None]:
        """Find by how much the image is to be enlarged for the network, and say so."""
        sizes = self.model.info.diameter
        if sizes is None or _constant(self.planes):
            return
        if self.told is not None:
            self.guess = Guess(self.told, sizes.scale_for(self.told))
        else:
            middle = tuple(n // 2 for n in self.planes.image.shape[1 : 1 + len(self.planes.lead)])
            start = time.perf_counter()
            self.guess = yield from guess_steps(
                self.normalized(middle), self.inference, self.decoded, sizes
            )
            self.seconds["guess the object size"] = time.perf_counter() - start
        note = self.guess.sentence(told=self.told is not None)
        if note:
            self.notes.append(note)
            yield Step("choose the scale", 1, 1, note)

    def decoded(self, maps: NDArray[np.float32]) -> NDArray[np.integer]:
        """Return the objects of maps on their own grid, without specks."""
        labels = self.head.decode(maps)
        if isinstance(self.head, Semantic):
            return labels
        return remove_small(labels, self.model.info.min_size)

    def plane(self, index: tuple[int, ...]) -> Steps[None]:
        """Segment and measure one plane."""
        if _constant(self.planes):
            found: NDArray[np.integer] = np.zeros(self.planes.shape, np.uint16)
        else:
            image = self.normalized(index)
            shape = scaled_shape(self.planes.shape, self.guess.scale)
            image = resample_image(image, shape)
            start = time.perf_counter()
            maps = yield from self.inference.steps(image)
            self.seconds["network"] = self.seconds.get("network", 0) + time.perf_counter() - start
            if self.options.keep_maps:
                self.maps.append(maps)
            with self.timed("separate"):
                found = resample_back(self.decoded(maps), self.planes.shape)
        self.keep(index, found)

    def keep(self, index: tuple[int, ...], found: NDArray[np.integer]) -> None:
        """Give the objects of a plane their ids and measure them."""
        with self.timed("separate"):
            if self.smallest is not None:
                found = remove_small(found, int(np.ceil(self.smallest)))
            found = relabel(found)
        with self.timed("measure"):
            table = self.measured(index, found)
        table["label"] += self.count
        for place, axis in enumerate(self.planes.lead):
            table.insert(place, axis.lower(), index[place])
        self.tables.append(table)
        self.labels[index] = np.where(found > 0, found + np.uint32(self.count), 0)
        self.count += len(table)

    def measured(self, index: tuple[int, ...], labels: NDArray[np.integer]) -> pd.DataFrame:
        """Measure the objects of one plane in every channel of the volume."""
        plane = self.volume
        for axis, place in zip(self.planes.lead, index, strict=True):
            plane = plane.at(axis, place)
        axes = plane.axes.replace("C", "")
        return measure_volumes(replace(plane, array=labels, axes=axes, channel_names=()), [plane])

    def result(self) -> Result:
        import pandas as pd

        labels = self.labels
        if self.count <= np.iinfo(np.uint16).max:
            labels = labels.astype(np.uint16)
        some = [t for t in self.tables if len(t)] or self.tables[:1]
        axes = self.volume.axes.replace("C", "")
        return Result(
            volume=replace(self.volume, array=labels, axes=axes, channel_names=()),
            table=pd.concat(some, ignore_index=True),
            options=self.options,
            model=self.model.identity,
            nouns=(self.model.info.singular, self.model.info.plural),
            maps=self.maps if self.options.keep_maps else None,
            diameter_px=self.guess.diameter,
            scale=self.guess.scale,
            device=str(self.inference.device),
            notes=tuple(self.notes),
            seconds={k: round(v, 4) for k, v in self.seconds.items()},
        )


def resample_back(labels: NDArray[np.integer], shape: tuple[int, ...]) -> NDArray[np.integer]:
    """Return labels of the network's grid on that of the image."""
    return labels if labels.shape == shape else resample_labels(labels, shape)


def _constant(planes: Planes) -> bool:
    return bool(planes.image.min() == planes.image.max())
