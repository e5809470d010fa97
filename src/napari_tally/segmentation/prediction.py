"""Prediction maps of each plane of a setup: intensities, scale, network."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.float16 import as_float16
from ..core.progress import Step, Steps
from ..network.device import choose_device, choose_dtype
from ..network.normalize import finite
from ..network.tiled_inference import Inference
from ..network.tta import AugmentedInference
from .collect.decode import decode_probe
from .maps.blockwise import mapped_by_block_steps
from .setup.object_size import STAGE, Decode, SizeEstimate, estimate_size_steps
from .setup.object_size_3d import estimate_size_3d_steps
from .setup.object_size_by_consistency import consistent_size_steps

if TYPE_CHECKING:
    import torch

    from ..models.preprocessing import DiameterRange
    from .maps.network_grid import NetworkGrid
    from .setup.run_setup import RunSetup

Watch = Callable[[str], AbstractContextManager[None]]

NETWORK = "network"
ON_DEVICE = (STAGE, NETWORK)  # the stages that run it
_COARSE = 2  # factor by which huge images are downscaled to estimate their object size


@dataclass(frozen=True, eq=False)
class Prediction:
    """A network prepared for the planes of a setup.

    Attributes
    ----------
    inference : Inference
        Tiled inference of the network, with test-time augmentation if it is on.
    limits : object
        Intensity limits, as fitted by the normalizer.
    size : SizeEstimate
        Object diameter, set or estimated, and the scale chosen for it.
    grid : NetworkGrid
        Grid of the network's input, at that scale.
    is_empty : bool
        Whether the image is constant: there is nothing to predict.
    notes : tuple of str
        For the user.
    watch : callable
        Returns a context that times a stage.
    """

    setup: RunSetup
    inference: Inference
    limits: Any
    size: SizeEstimate
    grid: NetworkGrid
    is_empty: bool
    notes: tuple[str, ...]
    watch: Watch

    @classmethod
    def begin_steps(cls, setup: RunSetup, watch: Watch) -> Steps[Prediction]:
        """Fit the normalizer and choose the scale; yield every step of the network."""
        plain, empty = _inference(setup), setup.is_constant
        with watch("normalize"):
            limits = setup.info.preprocessing.normalizer.fit(setup.planes.image)
        size, notes = SizeEstimate(setup.diameter, 1.0), []
        sizes = setup.info.preprocessing.diameter
        if sizes is not None and not empty:
            probing = _Probing(setup, plain, limits, watch)
            size = yield from probing.size_steps(sizes)
            if note := size.note(given=setup.diameter is not None):
                notes.append(note)
                yield Step(STAGE, 1, 1, note)
        grid, inference = setup.grid_at(size.scale), _augmented(setup, plain)
        return cls(setup, inference, limits, size, grid, empty, tuple(notes), watch)

    @property
    def device(self) -> torch.device:
        """The device of the network."""
        return self.inference.device

    def map_steps(self, index: tuple[int, ...]) -> Steps[NDArray[np.float16] | None]:
        """Return the maps of one plane; None for an empty image."""
        if self.is_empty:
            return None
        setup, plane = self.setup, self.setup.planes.at(index)
        if setup.streams(self.grid):
            return (yield from self._by_block_steps(plane))
        with self.watch("normalize"):
            image = self.input_of(plane)
        with self.watch(NETWORK):
            maps = yield from setup.strategy.map_steps(image, self.inference, setup.head)
        return as_float16(maps)

    def input_of(self, plane: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return the network input for a plane, shape (C, *spatial): normalized and resampled."""
        inputs = self.setup.info.preprocessing
        if inputs.resample_first and self.grid.resamples:
            values = np.stack([finite(channel) for channel in plane]).astype(np.float32)
            return inputs.normalizer(self.grid.network_input(values))
        return self.grid.network_input(inputs.normalizer(plane, self.limits))

    def _by_block_steps(self, plane: NDArray[np.generic]) -> Steps[NDArray[np.float16]]:
        """Return the maps of one plane that is too large for memory."""
        setup = self.setup

        def part(slices: tuple[slice, ...]) -> NDArray[np.float32]:
            return self.grid.input_part(plane, slices, _normalizing(setup, self.limits))

        with self.watch(NETWORK):
            shape, channels = self.grid.input_shape, setup.map_channels
            return (yield from mapped_by_block_steps(self.inference, channels, shape, part))


@dataclass(frozen=True, eq=False)
class _Probing:
    """Estimates the object size in the middle plane."""

    setup: RunSetup
    inference: Inference
    limits: Any
    watch: Watch

    def size_steps(self, sizes: DiameterRange) -> Steps[SizeEstimate]:
        """Return the given object size, or estimate it."""
        given = self.setup.diameter
        if given is not None:
            return SizeEstimate(given, sizes.scale_for(given))
        with self.watch(STAGE):
            return (yield from self._estimate_steps(sizes))

    def _estimate_steps(self, sizes: DiameterRange) -> Steps[SizeEstimate]:
        setup, grid = self.setup, self.setup.grid_at(1.0)
        solid = setup.planes.ndim == 3 and not setup.strategy.joins
        estimate = estimate_size_3d_steps if solid else self._flat_steps

        def decode(maps: NDArray[np.float32]) -> NDArray[np.integer]:
            return decode_probe(setup, maps)

        if not setup.streams(grid):
            return (yield from estimate(self._middle(grid), self.inference, decode, sizes))
        coarse = grid.scaled(1 / _COARSE)
        whole = tuple(slice(0, n) for n in coarse.input_shape)
        prepare = _normalizing(setup, self.limits)
        image = coarse.input_part(setup.planes.at(self._index), whole, prepare)
        size = yield from estimate(image, self.inference, decode, sizes)
        if size.diameter is None:
            return size
        diameter = size.diameter * _COARSE
        return SizeEstimate(diameter, sizes.scale_for(max(diameter, sizes.low)))

    def _flat_steps(
        self, image: NDArray[np.float32], inference: Inference, decode: Decode, sizes: DiameterRange
    ) -> Steps[SizeEstimate]:
        """Estimate the size in a plane, by the consistency of the maps if the head knows it."""
        head = self.setup.head.object_head
        if not head.knows_consistency:
            return (yield from estimate_size_steps(image, inference, decode, sizes))

        def consistent(maps: NDArray[np.float32]) -> float:
            objects = self.setup.head.split_maps(maps, maps.ndim - 1).objects
            assert objects is not None
            return head.consistent_share(objects)

        return (yield from consistent_size_steps(image, inference, decode, sizes, consistent))

    @property
    def _index(self) -> tuple[int, ...]:
        """The index of the middle plane."""
        planes = self.setup.planes
        return tuple(n // 2 for n in planes.image.shape[1 : 1 + len(planes.lead)])

    def _middle(self, grid: NetworkGrid) -> NDArray[np.float32]:
        """Return the network's input for the middle plane, at scale 1."""
        planes = self.setup.planes
        with self.watch("normalize"):
            image = _normalizing(self.setup, self.limits)(planes.at(self._index))
        if self.setup.strategy.joins:
            return image[:, planes.shape[0] // 2]
        return grid.network_input(image)


def _normalizing(
    setup: RunSetup, limits: Any
) -> Callable[[NDArray[np.generic]], NDArray[np.float32]]:
    """Return a function that normalizes a part of a plane."""
    return lambda part: setup.info.preprocessing.normalizer(part, limits)


def _inference(setup: RunSetup) -> Inference:
    """Return tiled inference of the model's network."""
    model, options = setup.model, setup.options
    device = choose_device(options.device)
    return Inference(
        model.network,
        model.activate if setup.info.reading else setup.head.activate,
        model.stride,
        device,
        choose_dtype(device, options.precision),
        options.tiling.of(setup.info.preprocessing.tiling),
    )


def _augmented(setup: RunSetup, inference: Inference) -> Inference:
    """Return the inference, with test-time augmentation if it is on."""
    if not setup.options.tta:
        return inference
    vectors = setup.head.vectors(setup.model.spatial_dims)
    return AugmentedInference(**vars(inference), vectors=vectors, foreground=setup.head.foreground)
