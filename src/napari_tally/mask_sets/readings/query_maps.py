"""Class maps of queries: the semantic models of MaskFormer, Mask2Former, OneFormer and EoMT."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from .box_layouts import query_scores
from .queries import query_arrays
from .reading import Found, Kind, Outputs, Reading, sigmoid

if TYPE_CHECKING:
    from ..frame import Frame


class QueryMaps(Reading):
    """The sum over queries of class probability times mask probability, for each class.

    Cheng et al., 2021 (MaskFormer), https://doi.org/10.48550/arXiv.2107.06278. The most probable
    class of a pixel wins; maps are scaled to sum to 1.
    """

    kind: ClassVar[Kind] = "maps"
    takes: ClassVar[str] = "class logits (1, queries, classes) and mask logits (1, queries, h, w)"

    name: Literal["query-maps"] = "query-maps"
    no_object: Literal["last", "none"] = Field(
        "last", description="Whether the last class stands for no object."
    )
    activation: Literal["softmax", "sigmoid"] = Field(
        "softmax", description="How class logits become probabilities."
    )
    background: Literal["first", "none"] = Field(
        "none", description="Whether the first class is the background."
    )

    def read(self, outputs: Outputs, frame: Frame | None = None) -> Found:
        """Return probabilities, the background first; `frame` is not needed."""
        return Found(maps=self.maps(outputs))

    def maps(self, outputs: Outputs) -> NDArray[np.float32]:
        """Return probabilities, the background first."""
        logits, masks = query_arrays(self, outputs, least=1 + (self.no_object == "last"))
        scores = query_scores(logits, self.no_object, self.activation)
        summed = np.einsum("qc,qyx->cyx", scores, sigmoid(masks), optimize=True)
        values: NDArray[np.float32] = np.nan_to_num(summed).astype(np.float32)
        values /= np.maximum(values.sum(axis=0, keepdims=True), np.float32(1e-6))
        if self.background == "first" and len(values) > 1:
            return values
        return np.concatenate([np.zeros_like(values[:1]), values])
