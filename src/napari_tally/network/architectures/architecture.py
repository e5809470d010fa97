"""Base of network architectures: options that build a network, and their choice by a plan."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from math import ceil
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from ...core.errors import InputError
from ...core.options import Options

if TYPE_CHECKING:
    from torch import nn

    from ..tile_layout import Tiling

Norm = Literal["batch", "instance"]

# Far beyond what trains on any machine: a description beyond it is damaged or hostile.
MOST_LEVELS = 16
Width = Annotated[int, Field(ge=1, le=2**14)]  # channels
Repeats = Annotated[int, Field(ge=1, le=64)]  # blocks of one level
Length = Annotated[int, Field(ge=1, le=32)]  # of a kernel or a stride, voxels
Lengths = Length | tuple[Length, ...]  # of a kernel or a stride, one for each axis if they differ
Share = Annotated[float, Field(ge=0, lt=1)]  # of dropout


@dataclass(frozen=True)
class Demand:
    """Requirements of a training plan on a network.

    Attributes
    ----------
    ndim : 2 or 3
        Spatial axes.
    in_channels, out_channels : int
        Channels of the image, and of the prediction maps.
    patch : tuple of int
        Shape of a training patch, as the data suggest it.
    levels : int
        How often the patch can be halved.
    small : bool
        Whether the machine is slow, so that the network must be narrow.
    classes : bool
        Whether it predicts class maps only.
    norm : str
        The normalization that suits the data: instance norm would make predictions depend on the
        tile where an image is larger than a patch.
    """

    ndim: Literal[2, 3]
    in_channels: int
    out_channels: int
    patch: tuple[int, ...]
    levels: int
    small: bool = True
    classes: bool = False
    norm: Norm = "batch"

    @property
    def width(self) -> int:
        """Feature channels of the finest level."""
        return 16 if self.small else 32

    def widths(self, levels: int | None = None) -> tuple[int, ...]:
        """Return the feature channels of each level, doubled at each down to a limit."""
        widest, levels = 512 if self.ndim == 2 else 320, self.levels if levels is None else levels
        return tuple(min(widest, self.width * 2**i) for i in range(levels + 1))

    def fields(self) -> dict[str, Any]:
        """Return the fields that all architectures share."""
        return {
            "spatial_dims": self.ndim,
            "in_channels": self.in_channels,
            "out_channels": self.out_channels,
        }


class Architecture(Options):
    """A network that maps (B, in_channels, *spatial) to (B, out_channels, *spatial).

    A new one is a class with a `name`, its fields, `stride`, `planned`, and, unless MONAI has a
    class of that name, `package` and `build`; and a line in `ARCHITECTURES`.

    Attributes
    ----------
    package : str
        Where the class of the network is; with `name` it is the `_target_` of a MONAI bundle.
    requires : str
        A package that it needs beside MONAI, and the extra that installs it; "" for none.
    fewest_strides : int
        Length of the shortest patch, in strides.
    """

    package: ClassVar[str] = "monai.networks.nets"
    requires: ClassVar[str] = ""
    fewest_strides: ClassVar[int] = 1

    name: str
    spatial_dims: Literal[2, 3] = Field(2, description="Spatial axes of the images")
    in_channels: Width = Field(1, description="Channels of the images")
    out_channels: Width = Field(2, description="Channels of the prediction maps")

    @classmethod
    def planned(cls, demand: Demand) -> Self:
        """Return the network that suits some data and a machine."""
        raise NotImplementedError

    @property
    def stride(self) -> int:
        """The factor by which the network downsamples: patches and tiles are multiples of it."""
        raise NotImplementedError

    @property
    def level_widths(self) -> tuple[int, ...]:
        """Feature channels of each level, each half as long as the one before."""
        raise NotImplementedError

    def fit(self, patch: tuple[int, ...]) -> tuple[int, ...]:
        """Return the smallest patch shape, no smaller than `patch`, that the network takes."""
        return tuple(self.stride * max(self.fewest_strides, ceil(n / self.stride)) for n in patch)

    def fit_tiling(self, tiling: Tiling) -> Tiling:
        """Return the tiling for inference: this one, unless the network takes one size only."""
        return tiling

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of the network's class."""
        return self.model_dump(exclude={"name"})

    @classmethod
    def target(cls) -> str:
        """Return the full name of the network's class."""
        return f"{cls.package}.{cls.model_fields['name'].default}"

    def definition(self) -> dict[str, Any]:
        """Return the `network_def` of a MONAI bundle."""
        return {"_target_": self.target(), **self.arguments()}

    def build(self) -> nn.Module:
        """Make the network, with fresh weights.

        Raises
        ------
        InputError
            If a package that it needs is not installed.
        """
        from monai.networks import nets

        self.check_installed()
        network: nn.Module = getattr(nets, self.name)(**self.arguments())
        return network

    @classmethod
    def check_installed(cls) -> None:
        """Raise an `InputError` if a package that the network needs is not installed."""
        if cls.requires and find_spec(cls.requires) is None:
            raise InputError(
                f"{cls.model_fields['name'].default} needs the package {cls.requires}",
                hint='Install it with: pip install "napari-tally[transformers]"',
            )
