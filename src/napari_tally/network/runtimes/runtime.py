"""The interface of a runtime: what runs the network of an imported model, arrays in, arrays out."""

from __future__ import annotations

from importlib.util import find_spec
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from numpy.typing import NDArray
from pydantic import Field

from ...core.errors import InputError
from ...core.option_registry import Registry
from ...core.options import Options
from ..architectures.architecture import Width

if TYPE_CHECKING:
    import numpy as np
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
    """

    requires: ClassVar[str] = ""
    extra: ClassVar[str] = ""
    runs_code: ClassVar[bool] = False

    name: str
    file: str = Field(description="Path of the network's file or folder in the model's folder.")
    spatial_dims: Literal[2, 3] = Field(2, description="Spatial axes of the images")
    in_channels: Width = Field(1, description="Channels of the images")
    size: tuple[int, ...] = Field(
        (), description="Shape (Z, Y, X) or (Y, X) of the input if it is fixed, else empty."
    )
    multiple: int = Field(1, ge=1, le=512, description="Lengths of the input are multiples of it.")

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

    @classmethod
    def check_installed(cls) -> None:
        """Raise an `InputError` if a package that the runtime needs is not installed."""
        if cls.requires and find_spec(cls.requires) is None:
            raise InputError(
                f"{cls.model_fields['name'].default} models need the package {cls.requires}",
                hint=f'Install it with: pip install "napari-tally[{cls.extra}]"',
            )


RUNTIMES: Registry[Runtime] = Registry("runtime")  # filled in `runtimes/__init__.py`
