"""The classes of transformers that are run here, and what each returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...core.errors import ModelError

Gives = Literal["maps", "masks", "boxes"]
_MASKS = ("class_queries_logits", "masks_queries_logits")


@dataclass(frozen=True, slots=True)
class Family:
    """A class of transformers.

    Attributes
    ----------
    title : str
        Of the family, for people.
    gives : str
        What its outputs are: class maps, masks of queries, or boxes of queries.
    outputs : tuple of str
        The outputs that count.
    activation : str
        How class logits become probabilities; with softmax, queries have a last class "no object".
    mask_quality : bool
        Whether the score of an object also counts how probable its mask is.
    one_size : bool
        Whether it takes images of the size in its configuration only.
    """

    title: str
    gives: Gives
    outputs: tuple[str, ...] = ("logits",)
    activation: Literal["softmax", "sigmoid"] = "softmax"
    mask_quality: bool = False
    one_size: bool = False


def _maps(title: str, *, one_size: bool = False) -> Family:
    return Family(title, "maps", one_size=one_size)


def _masks(title: str, *, one_size: bool = False) -> Family:
    return Family(title, "masks", _MASKS, mask_quality=True, one_size=one_size)


def _boxes(title: str, activation: Literal["softmax", "sigmoid"] = "sigmoid") -> Family:
    return Family(title, "boxes", ("logits", "pred_boxes"), activation)


FAMILIES: dict[str, Family] = {
    "SegformerForSemanticSegmentation": _maps("SegFormer"),
    "UperNetForSemanticSegmentation": _maps("UPerNet"),
    "MobileViTForSemanticSegmentation": _maps("MobileViT"),
    "MobileViTV2ForSemanticSegmentation": _maps("MobileViT v2"),
    "MobileNetV2ForSemanticSegmentation": _maps("DeepLab v3+ with MobileNet v2"),
    "DPTForSemanticSegmentation": _maps("DPT", one_size=True),
    "BeitForSemanticSegmentation": _maps("BEiT", one_size=True),
    "Data2VecVisionForSemanticSegmentation": _maps("Data2Vec", one_size=True),
    "Mask2FormerForUniversalSegmentation": _masks("Mask2Former"),
    "MaskFormerForInstanceSegmentation": _masks("MaskFormer"),
    "OneFormerForUniversalSegmentation": _masks("OneFormer"),
    "EomtForUniversalSegmentation": _masks("EoMT", one_size=True),
    "EomtDinov3ForUniversalSegmentation": _masks("EoMT", one_size=True),
    "DetrForSegmentation": Family("DETR", "masks", ("logits", "pred_masks")),
    "ConditionalDetrForSegmentation": Family(
        "Conditional DETR", "masks", ("logits", "pred_masks"), "sigmoid"
    ),
    "RfDetrForInstanceSegmentation": Family(
        "RF-DETR", "masks", ("logits", "pred_masks"), "sigmoid"
    ),
    "DetrForObjectDetection": _boxes("DETR", "softmax"),
    "TableTransformerForObjectDetection": _boxes("Table Transformer", "softmax"),
    "YolosForObjectDetection": _boxes("YOLOS", "softmax"),
    "ConditionalDetrForObjectDetection": _boxes("Conditional DETR"),
    "DabDetrForObjectDetection": _boxes("DAB-DETR"),
    "DeformableDetrForObjectDetection": _boxes("Deformable DETR"),
    "RTDetrForObjectDetection": _boxes("RT-DETR"),
    "RTDetrV2ForObjectDetection": _boxes("RT-DETR v2"),
    "DFineForObjectDetection": _boxes("D-FINE"),
    "LwDetrForObjectDetection": _boxes("LW-DETR"),
    "RfDetrForObjectDetection": _boxes("RF-DETR"),
}


def family_of(architecture: str) -> Family:
    """Return the family of a class.

    Raises
    ------
    ModelError
        If it is not one of ours.
    """
    if architecture in FAMILIES:
        return FAMILIES[architecture]
    titles = ", ".join(sorted({family.title for family in FAMILIES.values()}))
    raise ModelError(
        f"The network class {architecture[:80]!r} cannot be run here", hint=f"Known are: {titles}"
    )
