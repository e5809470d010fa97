"""A registry finds its members by name, and suggests the nearest one."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import BeforeValidator, SerializeAsAny

from napari_tally.core.errors import InputError
from napari_tally.core.option_registry import Registry
from napari_tally.core.options import Options


class Shape(Options):
    pass


class Disk(Shape):
    name: Literal["disk"] = "disk"
    radius: float = 1.0


class Square(Shape):
    name: Literal["square"] = "square"


@pytest.fixture
def shapes() -> Registry[Shape]:
    return Registry("shape", [Disk, Square])


def test_a_field_takes_any_member_and_goes_to_json_and_back(shapes) -> None:
    class Drawing(Options):
        shape: Annotated[SerializeAsAny[Shape], BeforeValidator(shapes.validate)]

    for given in ("disk", {"name": "disk", "radius": 1.0}, Disk()):
        drawing = Drawing(shape=given)
        assert drawing.shape == Disk()
        assert Drawing.model_validate_json(drawing.model_dump_json()) == drawing


def test_a_member_registered_later_is_found(shapes) -> None:
    @shapes.register
    class Star(Shape):
        name: Literal["star"] = "star"

    assert shapes.validate("star") == Star() and list(shapes) == ["disk", "square", "star"]


def test_an_unknown_name_is_refused_with_the_nearest_known_one(shapes) -> None:
    with pytest.raises(InputError, match=r"no shape 'squar'. Did you mean 'square'"):
        shapes.validate("squar")
