"""The interface of a runtime: what runs the network of an imported model, arrays in, arrays out."""

from __future__ import annotations

from importlib.util import find_spec
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...core.errors import InputError
from ...core.option_registry import Registry
from ...core.options import Options
from ..architectures.architecture import Width
from ..operations import AnyOperation, applied

if TYPE_CHECKING:
    import torch


class Session(Protocol):
    """A network that is loaded and ready to run."""

    def __call__(self, image: NDArray[np.float32]) -> dict[str, NDArray[np.generic]]:
        """Return the output arrays of one image by name, in the order of the network.

        Parameters
        ----------
        image : ndarray of float32, shape (C, *spatial)
            Normalized, and of a shape that the network takes: see `Runtime.fit`.

        Returns
        -------
        dict of ndarray
            With a first axis of length 1, the batch, where the network has one.
        """


class Runtime(Options):
    """How the network of an imported model is run; saved with the model.

    A new one is a class with a `name` and `session`, and a line in `network/runtimes/__init__.py`.

    Attributes
    ----------
    requires, extra : str
        A package that it needs, and the extra of napari-tally that installs it; "" for none.
    runs_code : bool
        Whether loading the file can run code, so that the user must trust it first.
    what : str
        The file in words, with the article, for messages.
    """

    requires: ClassVar[str] = ""
    extra: ClassVar[str] = ""
    runs_code: ClassVar[bool] = False
    what: ClassVar[str] = "a model file"

    name: str
    file: str = Field(description="Path of the network's file or folder in the model's folder.")
    spatial_dims: Literal[2, 3] = Field(2, description="Spatial axes of the images")
    in_channels: Width = Field(1, description="Channels of the images")
    size: tuple[int, ...] = Field(
        (), description="Shape (Z, Y, X) or (Y, X) of the input if it is fixed, else empty."
    )
    multiple: int = Field(1, ge=1, le=512, description="Lengths of the input are multiples of it.")
    input_axes: str = Field(
        "", description="Axes of the input after the batch, such as yxc. Default: czyx or cyx."
    )
    output_axes: dict[str, str] = Field(
        default_factory=dict, description="Those of outputs by their names, if in another order."
    )
    after: dict[str, tuple[AnyOperation, ...]] = Field(
        default_factory=dict, description="Operations on outputs, by their names."
    )

    @property
    def stride(self) -> int:
        """The factor of which tiles are multiples."""
        return self.multiple

    def fit(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the smallest shape, no smaller than `shape`, that the network takes."""
        return self.size or tuple(self.multiple * max(1, ceil(n / self.multiple)) for n in shape)

    def session(self, path: Path, device: torch.device) -> Session:
        """Load the network of a model.

        Parameters
        ----------
        path : Path
            Of `file`.
        device : torch.device
            Runtimes without a GPU run on the CPU.

        Raises
        ------
        ModelError
            If the file is damaged, hostile, or needs what this runtime does not have.
        InputError
            If a package that the runtime needs is not installed.
        """
        raise NotImplementedError

    def finished(self, session: Session) -> Session:
        """Return a session of images (C, *spatial) whose outputs have gone through `after`."""
        if not (self.after or self.input_axes or self.output_axes):
            return session
        usual = "czyx" if self.spatial_dims == 3 else "cyx"

        def run(image: NDArray[np.float32]) -> dict[str, NDArray[np.generic]]:
            outputs = session(reordered(image, usual, self.input_axes or usual))
            for name in (self.after.keys() | self.output_axes.keys()) & outputs.keys():
                array = reordered(outputs[name][0], self.output_axes.get(name, usual), usual)
                outputs[name] = applied(self.after.get(name, ()), array)[None]
            return outputs

        return run

    @classmethod
    def check_installed(cls) -> None:
        """Raise an `InputError` if a package that the runtime needs is not installed."""
        if cls.requires and find_spec(cls.requires) is None:
            raise InputError(
                f"{cls.model_fields['name'].default} models need the package {cls.requires}",
                hint=f'Install it with: pip install "napari-tally[{cls.extra}]"',
            )


def reordered(array: NDArray[Any], axes: str, wanted: str) -> NDArray[Any]:
    """Return an array with its axes in another order; the channel may be missing in either."""
    if "c" in axes and "c" not in wanted:
        array, axes = np.take(array, 0, axes.index("c")), axes.replace("c", "")
    if "c" in wanted and "c" not in axes:
        array, axes = array[None], f"c{axes}"
    return np.ascontiguousarray(array.transpose([axes.index(axis) for axis in wanted]))


RUNTIMES: Registry[Runtime] = Registry("runtime")  # filled in `runtimes/__init__.py`
