"""Data sets by the names or the number of their classes: what a model was trained on."""

from __future__ import annotations


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


COCO = _names(
    "person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,"
    "stop sign,parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,"
    "backpack,umbrella,handbag,tie,suitcase,frisbee,skis,snowboard,sports ball,kite,baseball bat,"
    "baseball glove,skateboard,surfboard,tennis racket,bottle,wine glass,cup,fork,knife,spoon,bowl,"
    "banana,apple,sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,couch,"
    "potted plant,bed,dining table,toilet,tv,laptop,mouse,remote,keyboard,cell phone,microwave,"
    "oven,toaster,sink,refrigerator,book,clock,vase,scissors,teddy bear,hair drier,"
    "toothbrush"
)
# COCO numbers its 80 classes from 1 to 90.
_GAPS = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
_NAMES = iter(COCO)
COCO_90 = tuple(f"class {n}" if n in _GAPS else next(_NAMES) for n in range(1, 91))
VOC = _names(
    "aeroplane,bicycle,bird,boat,bottle,bus,car,cat,chair,cow,diningtable,dog,horse,motorbike,"
    "person,pottedplant,sheep,sofa,train,tvmonitor"
)
CITYSCAPES = _names(
    "road,sidewalk,building,wall,fence,pole,traffic light,traffic sign,vegetation,terrain,sky,"
    "person,rider,car,truck,bus,train,motorcycle,bicycle"
)
_ADE = "wall", "building", "sky", "floor", "tree", "ceiling"  # the first of 150
_SHARE = 0.8


def trained_on(classes: tuple[str, ...]) -> str:
    """Return what a model with classes of these names was trained on; "" if that is unknown.

    Examples
    --------
    >>> trained_on(COCO)
    'photographs (COCO, 80 classes)'
    """
    names = {part.strip().lower() for name in classes for part in name.split(",")}
    known = {"COCO": COCO, "Pascal VOC": VOC, "ADE20k": _ADE, "of streets (Cityscapes": CITYSCAPES}
    for data, own in known.items():
        least = 150 if data == "ADE20k" else 0
        fits = len(classes) >= least and len(classes) <= 2 * max(len(own), least)
        if fits and len(names & set(own)) >= _SHARE * len(own):
            opened = data if data.startswith("of") else f"({data}"
            return f"photographs {opened}, {len(classes)} classes)"
    return ""


def assumed_classes(count: int) -> tuple[str, ...]:
    """Return the names that detectors of so many classes have if their files name none."""
    return {80: COCO, 91: ("class 0", *COCO_90)}.get(count, ())


def assumed_maps(count: int) -> tuple[tuple[str, ...], bool] | None:
    """Return names of the classes of so many maps of photographs, and whether the first is none.

    None where the number is no usual one.
    """
    numbered = tuple(f"class {i + 1}" for i in range(count))
    known = {19: (CITYSCAPES, False), 21: (VOC, True), 150: (numbered, False)}
    return known.get(count)
