"""The input image of a BioImage.IO model: its axes, channels and lengths."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, lcm
from typing import TYPE_CHECKING

from ...core.errors import ModelError
from .bioimageio_description import Size

if TYPE_CHECKING:
    from .bioimageio_description import Axis, Description, TensorEntry

_FREE = 256  # px: the least window of a network that takes some lengths only
_COLOURS = ("red", "green", "blue")


@dataclass(frozen=True)
class InputImage:
    """The only input of a model.

    Attributes
    ----------
    size : tuple of int
        Its shape (Z, Y, X) or (Y, X) if that is fixed, else empty.
    multiple : int
        Of which its lengths are multiples.
    channels : tuple of str
        Names of its channels.
    """

    entry: TensorEntry
    size: tuple[int, ...]
    multiple: int
    channels: tuple[str, ...]

    @property
    def spatial_dims(self) -> int:
        """The number of its spatial axes."""
        return 3 if self.entry.axis("z") else 2

    @property
    def order(self) -> str:
        """Its axes after the batch, "" if they are in our order."""
        order = self.entry.order.replace("b", "")
        return "" if order in ("cyx", "czyx") else order

    @property
    def shape(self) -> tuple[int, ...]:
        """A shape that the network takes."""
        least = self.multiple * ceil(64 / self.multiple)
        return self.size or (least,) * self.spatial_dims

    @property
    def sentence(self) -> str:
        """The input in words."""
        count = len(self.channels)
        what = "1 channel" if count == 1 else f"{count} channels ({', '.join(self.channels)})"
        how = "of any size"
        if self.size:
            how = f"of {' x '.join(map(str, self.size))} px, larger ones in tiles"
        elif self.multiple > 1:
            how = f"in multiples of {self.multiple} px"
        return f"Images in {self.spatial_dims}D with {what}, {how}"


def input_image(found: Description) -> InputImage:
    """Return the only input of a model.

    Raises
    ------
    ModelError
        If it has several, or one that is no image.
    """
    needed = [entry for entry in found.inputs if not entry.optional]
    if len(needed) != 1:
        names = ", ".join(entry.id for entry in needed)
        raise ModelError(
            f"{found.name} takes {len(needed)} inputs ({names}): only models of one image are "
            "supported"
        )
    image = needed[0]
    order = image.order
    letters = set(order) - {"c", "z"}
    if letters != {"b", "y", "x"} or not order.startswith("b") or len(set(order)) < len(order):
        raise ModelError(
            f"The input {image.id} of {found.name} has the axes {order}: only b, c, z, y and x "
            "are supported, the batch first"
        )
    size, multiple = _lengths(found, image)
    return InputImage(image, size, multiple, _channels(found, image))


def _channels(found: Description, image: TensorEntry) -> tuple[str, ...]:
    channel = image.axis("c")
    if channel is None:
        return ("image",)
    size = channel.size.min if isinstance(channel.size, Size) else channel.size
    count = len(channel.channel_names) or size or 0
    if not count:
        raise ModelError(f"{found.name} does not state how many channels {image.id} has")
    names = [name.lower() for name in channel.channel_names]
    if count == 1:
        return ("image",)
    if count == len(_COLOURS) and {n[:1] for n in names} == {n[:1] for n in _COLOURS}:
        return tuple(next(c for c in _COLOURS if c[0] == n[0]) for n in names)
    plain = not names or len({n.rstrip("0123456789") for n in names}) == 1
    if count == len(_COLOURS) and plain:
        return _COLOURS
    return tuple(names) or tuple(f"channel {i}" for i in range(count))


def _lengths(found: Description, image: TensorEntry) -> tuple[tuple[int, ...], int]:
    """Return the fixed shape of the input, () if there is none, and its multiple."""
    axes = [axis for axis in map(image.axis, "zyx") if axis is not None]
    sizes = [_resolved(found, axis, 0) for axis in axes]
    free = [s for s in sizes if isinstance(s, Size)]
    if len(free) == len(sizes) and all((s.min or 1) % max(1, s.step) == 0 for s in free):
        return (), lcm(*(max(1, s.step) for s in free))
    return tuple(s if isinstance(s, int) else _a_length(s) for s in sizes), 1


def _resolved(found: Description, axis: Axis, depth: int) -> int | Size:
    """Return the length of an axis; one that is that of another axis is looked up."""
    size = axis.size
    if size is None:
        return Size(min=1, step=1)
    if isinstance(size, int) or size.axis_id is None:
        return size
    tensor = next((t for t in (*found.inputs, *found.outputs) if t.id == size.tensor_id), None)
    axes = tensor.axes if tensor is not None else ()
    other = next((a for a in axes if a.name == size.axis_id), None)
    if other is None or depth > len(found.inputs):
        raise ModelError(
            f"{found.name} states the length of {axis.name} by {size.tensor_id}.{size.axis_id}, "
            "which it does not have"
        )
    length = _resolved(found, other, depth + 1)
    return length + size.offset if isinstance(length, int) else length


def _a_length(size: Size) -> int:
    """Return a length that a network takes, of those it takes."""
    least = size.min or 1
    return least + size.step * max(0, ceil((_FREE - least) / size.step)) if size.step else least
