"""Choose or make the channels that a model takes: by name, grey for colours, luminance for grey."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...models.preprocessing import COLOURS, is_colour_model

if TYPE_CHECKING:
    from ...core.volume import Volume
    from ...models.bundle import Model

_LUMINANCE = (0.2125, 0.7154, 0.0721)  # weights of red, green and blue: ITU-R BT.709


@dataclass(frozen=True)
class Chosen:
    """The channels of a model.

    Attributes
    ----------
    image : ndarray
        Shape (C, *axes).
    axes : str
        Of the image, without C.
    notes : tuple of str
        For the user.
    """

    image: NDArray[np.generic]
    axes: str
    notes: tuple[str, ...] = ()

    @property
    def distinct(self) -> NDArray[np.generic]:
        """The image without the copies of a grey one."""
        return self.image if self.image.strides[0] else self.image[:1]


def model_channels(volume: Volume, model: Model, channel: int | str | None) -> Chosen:
    """Return the channels of a volume in the order of the model.

    Raises
    ------
    InputError
        If the image lacks channels, or it is not clear which are meant.
    """
    names = model.info.preprocessing.channels
    if len(names) == 1:
        return _one_channel(volume, model, channel)
    if is_colour_model(names):
        return _colours(volume, model, channel)
    takes = f"{model.info.name} takes {len(names)} channels ({', '.join(names)})"
    if channel is not None:
        raise InputError(f"{takes}, not the channel {channel!r} alone", hint="Leave out --channel")
    found = _by_name(volume, names)
    if found is not None:
        return found
    if len(volume.channels) != len(names):
        raise InputError(f"{_counted(volume)} but {takes}")
    return _all(volume)


def channel_choices(volume: Volume, names: tuple[str, ...]) -> list[tuple[str, str | None]]:
    """Return what a user can choose for a model of these channels: labels and channels.

    None stands for all channels that the model takes, or the luminance of a colour image.
    """
    singles: list[tuple[str, str | None]] = [(name, name) for name in volume.channels]
    if len(names) == 1:
        return [("luminance", None), *singles] if is_colour(volume) else singles
    if not is_colour_model(names):
        return [("all", None)]
    fits = len(volume.channels) == len(names) or _by_name(volume, names) is not None
    return [("colours", None), *singles] if fits or not singles else singles


def is_colour(volume: Volume) -> bool:
    """Return whether the channels are red, green and blue, and maybe alpha."""
    names = tuple(name.lower() for name in volume.channel_names)
    return names[:3] == COLOURS and names[3:] in ((), ("alpha",))


def _colours(volume: Volume, model: Model, channel: int | str | None) -> Chosen:
    """Return the channels of a model of colours, in its order; grey is repeated."""
    names = model.info.preprocessing.channels
    if channel is not None and volume.channels:
        return _repeated(volume.at("C", volume.channel_index(channel)), model)
    if len(volume.channels) <= 1:
        return _repeated(_single(volume, channel), model)
    found = _by_name(volume, names)
    if found is not None:
        if "alpha" in (name.lower() for name in volume.channel_names):
            found = replace(found, notes=(f"The alpha channel of {volume.name} is left out",))
        return found
    if len(volume.channels) != len(names):
        takes = f"{model.info.name} takes red, green and blue"
        raise InputError(
            f"{_counted(volume)} but {takes}",
            hint="Choose one with --channel, which is used as grey (in Python: channel=...)",
        )
    order = [COLOURS.index(name) for name in names]
    used = ", ".join(volume.channels[i] for i in range(3))
    note = f"The channels {used} of {volume.name} are taken as red, green and blue"
    chosen = _all(volume)
    return replace(chosen, image=chosen.image[order], notes=(note,))


def _repeated(grey: Volume, model: Model) -> Chosen:
    """Return a grey image in all three channels."""
    image = np.asarray(grey.array)
    note = (
        f"{model.info.name} takes colour images: the intensities of {grey.name} are used as red, "
        "green and blue"
    )
    return Chosen(np.broadcast_to(image, (len(COLOURS), *image.shape)), grey.axes, (note,))


def _single(volume: Volume, channel: int | str | None) -> Volume:
    """Return an image with at most one channel without that axis."""
    if channel is not None and str(channel) not in {"0", *volume.channel_names}:
        raise InputError(
            f"There is no channel {channel}: {volume.name} has only one",
            hint="Leave out --channel",
        )
    return volume.at("C", 0) if volume.channels else volume


def _one_channel(volume: Volume, model: Model, channel: int | str | None) -> Chosen:
    names = volume.channels
    if not names:
        return _grey(_single(volume, channel))
    if channel is not None:
        return _grey(volume.at("C", volume.channel_index(channel)))
    if len(names) == 1:
        return _grey(volume.at("C", 0))
    if is_colour(volume):
        return _luminance(volume, model)
    listed = ", ".join(f"{i} ({n})" if n != str(i) else n for i, n in enumerate(names))
    raise InputError(
        f"{volume.name} has {len(names)} channels ({listed}) but {model.info.name} takes 1",
        hint="Choose one with --channel (in Python: channel=...)",
    )


def _luminance(volume: Volume, model: Model) -> Chosen:
    """Return the luminance of a colour image, in its data type."""
    red, green, blue = (np.asarray(volume.at("C", i).array) for i in range(3))
    axes = volume.axes.replace("C", "")
    if np.array_equal(red, green) and np.array_equal(red, blue):
        return Chosen(red[None], axes)
    light = sum(
        w * c.astype(np.float32) for w, c in zip(_LUMINANCE, (red, green, blue), strict=True)
    )
    light = np.asarray(light)
    if red.dtype.kind in "ui":
        light = np.rint(light)
    note = (
        f"{model.info.name} takes one channel: the luminance of the colour image {volume.name} is "
        "used (choose a colour with the channel option)"
    )
    return Chosen(light.astype(red.dtype)[None], axes, (note,))


def _by_name(volume: Volume, names: tuple[str, ...]) -> Chosen | None:
    """Return the channels of these names in their order, if the volume has them all."""
    own = [name.lower() for name in volume.channel_names]
    wanted = [name.lower() for name in names]
    if len(set(own)) < len(own) or not set(wanted) <= set(own) or "C" not in volume.axes:
        return None
    chosen = _all(volume)
    return replace(chosen, image=chosen.image[[own.index(name) for name in wanted]])


def _all(volume: Volume) -> Chosen:
    return Chosen(volume.channels_first(), volume.axes.replace("C", ""))


def _grey(volume: Volume) -> Chosen:
    return Chosen(np.asarray(volume.array)[None], volume.axes)


def _counted(volume: Volume) -> str:
    count = len(volume.channels) or 1
    return f"{volume.name} has {count} {'channels' if count > 1 else 'channel'}"
