"""The interface of a reading: what the output arrays of a network mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...core.errors import InputError
from ...core.option_registry import Registry
from ...core.options import Options

if TYPE_CHECKING:
    from ..frame import Frame
    from ..mask_set import MaskSet

Outputs = Mapping[str, NDArray[np.generic]]
Array = NDArray[Any]
Kind = Literal["maps", "masks", "boxes", "panoptic"]


@dataclass(frozen=True, eq=False)
class Found:
    """What the output of a network says about an image.

    Attributes
    ----------
    objects : MaskSet, optional
        Objects with masks or boxes.
    maps : ndarray of float32, shape (C, *spatial), optional
        Probabilities of classes on the grid of the output, the background first.
    """

    objects: MaskSet | None = None
    maps: NDArray[np.float32] | None = None


class Reading(Options):
    """The meaning of the output arrays of a network; saved with the model.

    Attributes
    ----------
    kind : str
        What it gives: "maps" (class maps), "masks", "boxes" or, of several, "panoptic".
    takes : str
        In words: the arrays it needs, for messages.
    """

    kind: ClassVar[Kind]
    takes: ClassVar[str]

    name: str
    outputs: tuple[str, ...] = Field(
        (),
        description="Names of the outputs, in the order in which the reading takes them. "
        "Default: found by name and shape.",
    )
    classes: tuple[str, ...] = Field(
        (), description="Names of the classes, without background, in their order."
    )

    @property
    def only_boxes(self) -> bool:
        """Whether its objects have boxes but no masks."""
        return self.kind == "boxes"

    @property
    def least_score(self) -> float:
        """The minimum score of objects with which the model is meant to be used."""
        return 0.5

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of all classes, in the order of their ids."""
        return self.classes

    def read(self, outputs: Outputs, frame: Frame) -> Found:
        """Return what the network found in an image.

        Parameters
        ----------
        outputs : dict of ndarray
            The output arrays of one image by name, in the order of the network. A first axis of
            length 1 (the batch) may be there or not.
        frame : Frame
            How the image lay in the input of the network.

        Raises
        ------
        InputError
            If the arrays are not of this form.
        """
        raise NotImplementedError

    def scored_from(self, threshold: float) -> Self:
        """Return the reading with another minimum score of objects, if it has one."""
        return self

    def maps(self, outputs: Outputs) -> NDArray[np.float32]:
        """Return the class maps alone, shape (C, *spatial), on the grid of the output.

        Raises
        ------
        InputError
            If this reading has none.
        """
        self.refuse(outputs, "class maps are needed")

    def chosen(self, outputs: Outputs) -> dict[str, Array]:
        """Return the arrays that the reading may use: those that are named, else all.

        Raises
        ------
        InputError
            If an output of that name is missing.
        """
        missing = [name for name in self.outputs if name not in outputs]
        if missing:
            raise InputError(
                f"The model has no output {missing[0]!r}: {described(outputs)}",
                hint="Correct `outputs` of the reading",
            )
        names = self.outputs or tuple(outputs)
        return {name: as_floats(outputs[name]) for name in names}

    def refuse(self, outputs: Outputs, why: str = "") -> NoReturn:
        """Refuse outputs of another form, with what was seen.

        Raises
        ------
        InputError
            Always.
        """
        raise InputError(
            f"The outputs do not have the form of {self.form}, which takes {self.takes}"
            f"{f' ({why})' if why else ''}: {described(outputs)}",
            hint=HOW_TO_SET,
        )

    @property
    def form(self) -> str:
        """The reading in words, for messages."""
        layout = getattr(self, "layout", "")
        return f"{self.name} {layout}".strip()


HOW_TO_SET = (
    'Set the reading by hand, such as {"name": "prototypes", "layout": "v8", '
    '"outputs": ["output0", "output1"]}'
)
READINGS: Registry[Reading] = Registry("reading")  # filled in `readings/__init__.py`


def described(outputs: Outputs) -> str:
    """Return names and shapes in words: "output0 (1, 84, 8400), output1 (1, 32, 160, 160)"."""
    if not outputs:
        return "the model returned no arrays"
    count = f"{len(outputs)} array{'s' if len(outputs) > 1 else ''}"
    shapes = ", ".join(f"{name} {tuple(array.shape)}" for name, array in outputs.items())
    return f"the model returned {count}: {shapes}"


def as_floats(array: NDArray[np.generic]) -> Array:
    """Return an output as floats of at least 32 bits; whole numbers are kept as they are."""
    found = np.asarray(array)
    if found.dtype == np.float16 or found.dtype == bool:
        found = found.astype(np.float32)
    return found


def without_batch(array: Array, ndim: int) -> Array:
    """Return an array without its first axis if that is a batch of one image.

    Raises
    ------
    InputError
        If the batch holds several images.
    """
    if array.ndim == ndim + 1 and array.shape[0] == 1:
        first: Array = array[0]
        return first
    if array.ndim == ndim + 1:
        raise InputError(
            f"An output of shape {array.shape} is of a batch of {array.shape[0]} images",
            hint="Run the model on one image at a time",
        )
    return array


def sigmoid(values: Array) -> NDArray[np.float32]:
    """Return 1 / (1 + exp(-x)) without overflow."""
    half = np.asarray(values, np.float32) * np.float32(0.5)
    found: NDArray[np.float32] = np.float32(0.5) * (np.tanh(half) + np.float32(1))
    return found


def softmax(values: Array, axis: int = -1) -> NDArray[np.float32]:
    """Return the softmax along an axis."""
    values = np.asarray(values, np.float32)
    with np.errstate(invalid="ignore"):
        powers = np.exp(values - values.max(axis=axis, keepdims=True, initial=-np.inf))
        result: NDArray[np.float32] = powers / powers.sum(axis=axis, keepdims=True)
    return result
