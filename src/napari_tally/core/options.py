"""The base of all options."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """A small frozen value with behaviour, that goes to and from JSON.

    Unknown fields are refused, so that a misspelt option is an error and not a default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
