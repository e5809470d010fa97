"""From an image to distinct, measured objects."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.float16 import as_float16
from ..core.progress import Step, Steps
from ..network.device import choose_device, choose_dtype
from ..network.tiling import Inference
from ..network.tta import AugmentedInference
from .collect.collector import separation
from .maps.blockwise import mapped_by_block_steps
from .maps.kept_maps import KeptMaps
from .maps.network_grid import network_grid
from .maps.stack_strategies import Views
from .result import Result
from .setup.choose_strategy import chosen_way, scaled
from .setup.estimate import maps_are_large
from .setup.model_input import Planes, planes
from .setup.noise_check import Doubts
from .setup.object_size import Guess, guess_steps
from .setup.object_size_3d import guess_3d_steps

if TYPE_CHECKING:
    from ..core.volume import Volume
    from ..models.bundle import Model
    from ..models.preprocessing import DiameterRange
    from .maps.network_grid import NetworkGrid
    from .setup.options import SegmentOptions

SEPARATE = "separate and measure"
_COARSE = 2  # of how many voxels one is looked at to guess the object size in a huge image
_NOTHING = np.zeros(0, np.float16)  # the maps of an image that was not looked at


def segment_steps(volume: Volume, model: Model, options: SegmentOptions) -> Steps[Result]:
    """Segment a volume and measure its objects; yield after every batch of windows and plane.

    Axes that the model does not take (frames, slices of a stack for a 2D model) are gone through
    one by one; ids are unique over all of them, and the table says in which an object lies.
    A semantic model gives classes, and objects of them with `options.separate`.

    Raises
    ------
    InputError
        If the image is not what the model takes, or an option does not fit it.
    """
    run = _Segmentation(volume, model, options)
    for note in run.notes:
        yield Step("read the image", 1, 1, note)
    yield from run.choose_scale()
    yield Step(SEPARATE, 0, len(run.planes))
    for number, index in enumerate(run.planes.indices()):
        yield from run.plane(index)
        yield Step(SEPARATE, number + 1, len(run.planes))
    if note := run.doubt():
        yield Step(SEPARATE, len(run.planes), len(run.planes), note)
    return run.result()


def separate_steps(
    volume: Volume, model: Model, options: SegmentOptions, earlier: Result
) -> Steps[Result]:
    """Decode the kept maps of an earlier result again, without the network; yield every plane.

    The result is that of `segment_steps` with these options and the object size of the earlier run.

    Raises
    ------
    InputError
        If an option does not fit, or the earlier result has no maps.
    """
    if earlier.maps is None:
        raise InputError("A result with maps is needed", "one without", "Segment with keep_maps")
    way = earlier.way
    chosen, _ = planes(volume, model, options.channel, way.joins)
    found = separation(volume, chosen, model.info, options, way)
    grid = grid_of(volume, model, earlier)
    start = time.perf_counter()
    for number, (index, maps) in enumerate(zip(chosen.indices(), earlier.maps, strict=True)):
        objects = yield from found.objects_steps(maps if maps.size else None, grid)
        found.add(index, objects)
        yield Step(SEPARATE, number + 1, len(chosen))
    seconds = earlier.seconds | {"separate": round(time.perf_counter() - start, 4)}
    return replace(earlier, **found.parts(), options=options, seconds=seconds)


def grid_of(volume: Volume, model: Model, earlier: Result) -> NetworkGrid:
    """Return the grid on which the network saw the planes of a volume in an earlier run."""
    ndim = 3 if earlier.way.joins else model.architecture.spatial_dims
    grid = network_grid(volume, volume.spatial_shape[-ndim:], model.info)[0]
    return scaled(grid, volume, model.info, earlier.way, earlier.scale)


class _Segmentation:
    """One volume under way."""

    def __init__(self, volume: Volume, model: Model, options: SegmentOptions) -> None:
        self.volume, self.model, self.options = volume, model, options
        ndim = model.architecture.spatial_dims
        self.way, said = chosen_way(volume, model.info, ndim, options)
        self.planes, self.notes = planes(volume, model, options.channel, self.way.joins)
        self.notes += said
        self.seconds: dict[str, float] = {}
        self.first_grid, notes = network_grid(volume, self.planes.shape, model.info)
        self.notes += notes
        self.told = options.diameter_px(volume)
        self.found = separation(volume, self.planes, model.info, options, self.way)
        device = choose_device(options.device)
        self.inference = Inference(
            model.network,
            self.found.head.activate,
            model.architecture.stride,
            device,
            choose_dtype(device, options.precision),
            options.tiling.of(model.info.preprocessing.tiling),
        )
        self.mapping = self.inference
        if options.tta:
            head = self.found.head
            self.mapping = AugmentedInference(
                **vars(self.inference),
                vectors=head.vectors(model.architecture.spatial_dims),
                foreground=head.foreground,
            )
        with self.timed("normalize"):
            self.limits = model.info.preprocessing.normalizer.fit(self.planes.image)
        self.guess = Guess(self.told, 1.0)
        self.maps = KeptMaps()
        solid = isinstance(self.way, Views) or model.architecture.spatial_dims == 3
        self.doubts = Doubts(3 if solid else 2)
        if not volume.calibrated:
            self.notes.append(f"{volume.name} has no calibration: measured in px")

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.add_time(stage, start)

    def add_time(self, stage: str, start: float) -> None:
        """Add the time since `start` to that of a stage."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start

    def normalized(self, index: tuple[int, ...]) -> NDArray[np.float32]:
        with self.timed("normalize"):
            return self.prepared(self.planes.at(index))

    def choose_scale(self) -> Steps[None]:
        """Find by how much the image is to be enlarged for the network, and say so."""
        sizes = self.model.info.preprocessing.diameter
        self.grid = self.rescaled()
        if sizes is None or _constant(self.planes):
            return
        if self.told is not None:
            self.guess = Guess(self.told, sizes.scale_for(self.told))
        else:
            start = time.perf_counter()
            self.guess = yield from self.guessed(sizes)
            self.seconds["guess the object size"] = time.perf_counter() - start
        self.grid = self.rescaled()
        note = self.guess.sentence(told=self.told is not None)
        if note:
            self.notes.append(note)
            yield Step("choose the scale", 1, 1, note)

    @property
    def channels(self) -> int:
        """Of the maps, with the spread between copies if there are any."""
        return self.found.head.channels(self.planes.ndim) + self.options.tta

    @property
    def streamed(self) -> bool:
        """Whether the maps of a plane are too large to be held."""
        large = maps_are_large(self.channels, math.prod(self.grid.seen_shape), self.options)
        return large and self.way.by_block

    def guessed(self, sizes: DiameterRange) -> Steps[Guess]:
        """Guess the object size in the plane in the middle."""
        guess = guess_3d_steps if self.planes.ndim == 3 and not self.way.joins else guess_steps
        decode = self.found.decoded
        if not self.streamed:
            return (yield from guess(self.middle(), self.inference, decode, sizes))
        coarse = self.grid.scaled(1 / _COARSE)
        everything = tuple(slice(0, n) for n in coarse.seen_shape)
        image = coarse.seen_part(self.planes.at(self.index()), everything, self.prepared)
        found = yield from guess(image, self.inference, decode, sizes)
        if found.diameter is None:
            return found
        diameter = found.diameter * _COARSE
        return Guess(diameter, sizes.scale_for(max(diameter, sizes.low)))

    def index(self) -> tuple[int, ...]:
        """Return the index of the plane in the middle."""
        return tuple(n // 2 for n in self.planes.image.shape[1 : 1 + len(self.planes.lead)])

    def prepared(self, part: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return a part of a plane, normalized."""
        return self.model.info.preprocessing.normalizer(part, self.limits)

    def middle(self) -> NDArray[np.float32]:
        """Return what the network would see of the middle, were objects of the size it knows."""
        image = self.normalized(self.index())
        if self.way.joins:
            return image[:, self.planes.shape[0] // 2]
        return self.grid.seen(image)

    def rescaled(self) -> NetworkGrid:
        """Return the grid for the objects' size as far as it is known."""
        info, scale = self.model.info, self.guess.scale
        return scaled(self.first_grid, self.volume, info, self.way, scale)

    def plane(self, index: tuple[int, ...]) -> Steps[None]:
        """Segment and measure one plane."""
        maps = None if _constant(self.planes) else (yield from self.mapped(index))
        if maps is not None:
            self.doubts.add(maps)
        if self.options.keep_maps:
            self.maps.append(_NOTHING if maps is None else maps)
        start = time.perf_counter()
        found = yield from self.found.objects_steps(maps, self.grid)
        self.add_time("separate", start)
        with self.timed("measure"):
            self.found.add(index, found)

    def mapped(self, index: tuple[int, ...]) -> Steps[NDArray[np.float16]]:
        """Return the maps of one plane, in the precision in which they may be kept."""
        if self.streamed:
            return (yield from self.mapped_by_block(index))
        image = self.grid.seen(self.normalized(index))
        start = time.perf_counter()
        maps = yield from self.way.map_steps(image, self.mapping, self.found.head)
        self.add_time("network", start)
        return as_float16(maps)

    def mapped_by_block(self, index: tuple[int, ...]) -> Steps[NDArray[np.float16]]:
        """Return the maps of one plane that is too large for memory."""
        image = self.planes.at(index)

        def look(part: tuple[slice, ...]) -> NDArray[np.float32]:
            return self.grid.seen_part(image, part, self.prepared)

        start = time.perf_counter()
        maps = yield from mapped_by_block_steps(
            self.mapping, self.channels, self.grid.seen_shape, look
        )
        self.add_time("network", start)
        return maps

    def doubt(self) -> str:
        """Note and return what is doubtful about the maps, if there were any, or ""."""
        info = self.model.info
        if not info.head.finds_objects or _constant(self.planes):
            return ""
        note = self.doubts.sentence(self.volume.name, info.plural, self.found.count)
        self.notes += [note] if note else []
        return note

    def result(self) -> Result:
        with self.timed("measure"):
            parts = self.found.parts()
        return Result(
            **parts,
            options=self.options,
            model=self.model.identity,
            nouns=(self.model.info.singular, self.model.info.plural),
            maps=self.maps if self.options.keep_maps else None,
            way=self.way,
            diameter_px=self.guess.diameter,
            scale=self.guess.scale,
            device=str(self.inference.device),
            notes=(*self.notes, *self.found.notes()),
            seconds={k: round(v, 4) for k, v in self.seconds.items()},
        )


def _constant(planes: Planes) -> bool:
    return bool(planes.image.min() == planes.image.max())
