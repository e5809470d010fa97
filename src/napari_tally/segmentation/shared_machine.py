"""How images that are segmented side by side share cores, memory, files and a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import deepcopy
from dataclasses import replace
from functools import lru_cache
from threading import Lock, local
from typing import TYPE_CHECKING

from ..core.jit import at_most
from ..models.bundle import default_model, load_model
from ..network.device import choose_device, choose_dtype

if TYPE_CHECKING:
    from ..core.volume import Volume
    from ..models.bundle import Model
    from .setup.options import SegmentOptions

_AT_ONCE = 2  # images: decoding, files and the network of two keep two cores, or a GPU, busy
_LARGE = 2**24  # voxels of an image beyond which memory is for one such image at a time
_loaded = lru_cache(load_model)
_loading = Lock()


class SharedMachine:
    """What the images of a batch share.

    Two images with half of the cores each are faster than one after the other with all cores, of
    which decoding and files use one (`benchmarks/batch.py`). A GPU runs the network of one at a
    time, while another is read, decoded, measured or written.

    Attributes
    ----------
    at_once : int
        Images that are segmented at a time.
    reading : context manager
        Held while a file is read, as not every library can read two at once.
    device : context manager
        Held while a network runs.
    """

    def __init__(self, images: int, model: Model | None, options: SegmentOptions) -> None:
        self.at_once, self.threads, self.exact = 1, 0, False
        self.reading: AbstractContextManager[object] = Lock()
        self.device: AbstractContextManager[object] = nullcontext()
        self._alone = Lock()
        self._models = _OwnModels(model)
        if images > 1:
            self._share(options)

    def _share(self, options: SegmentOptions) -> None:
        import torch

        device = choose_device(options.device)
        kind = device.type
        self.exact = choose_dtype(device, options.precision) == torch.float32

        self.threads = torch.get_num_threads()
        if kind != "cpu":
            self.device = Lock()
        self.at_once = _AT_ONCE if self.threads > 1 or kind != "cpu" else 1

    def model(self, volume: Volume) -> Model:
        """Return the given model, or the default of a volume, for this thread alone."""
        return self._models.shared(volume) if self.at_once == 1 else self._models.own(volume)

    @contextmanager
    def share_for(self, volume: Volume, model: Model) -> Iterator[None]:
        """Use a share of the cores in this thread, or all for one image after the other.

        That is for large images, and for networks in 3D in float32, whose last bits change with the
        number of threads.
        """
        if self.at_once == 1:
            yield
            return
        solid = self.exact and model.spatial_dims == 3
        alone = solid or volume.array.size > _LARGE
        with (
            self._alone if alone else nullcontext(),
            _limited(max(1, self.threads // (1 if alone else self.at_once)), self.threads),
        ):
            yield


class _OwnModels(local):
    """Models of one thread: a network moves between devices and layouts while it is used."""

    def __init__(self, given: Model | None) -> None:
        self._given = given
        self._copies: dict[str, Model] = {}

    def shared(self, volume: Volume) -> Model:
        return self._given or _loaded(default_model(volume))

    def own(self, volume: Volume) -> Model:
        model = self.shared(volume)
        if model.info.runtime is not None:
            with _loading:
                model.session  # noqa: B018 - loaded once; it can run in several threads
            return model
        if model.sha256 not in self._copies:
            self._copies[model.sha256] = replace(model, networks=deepcopy(model.networks))
        return self._copies[model.sha256]


@contextmanager
def _limited(threads: int, before: int) -> Iterator[None]:
    """Limit the threads of networks and of compiled loops that this thread starts."""
    import torch

    with at_most(threads):
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)
