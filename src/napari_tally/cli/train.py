"""The command that makes a model of labelled images: `tally train`."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import InputError
from .run import failing, usage, with_bar

if TYPE_CHECKING:
    from ..training.data.labelled_image import Labelled
    from ..training.plan.options import TrainingOptions


INTERRUPTED = 130


class Kind(StrEnum):
    """What labels are."""

    INSTANCES = "instances"
    CLASSES = "classes"
    PANOPTIC = "panoptic"


class Head(StrEnum):
    """What tells objects apart."""

    CENTER = "center"
    BOUNDARY = "boundary"
    DISTANCE = "distance"
    FLOW = "flow"


class Augment(StrEnum):
    """How strongly crops are changed."""

    NONE = "none"
    LIGHT = "light"
    STRONG = "strong"


Labels = Annotated[Path, typer.Option(help="Folder of labels of the same names, or a COCO .json.")]
Masks = Annotated[
    Path | None, typer.Option(help="Folder of masks: labels are complete in them only.")
]
Classes = Annotated[
    Path | None, typer.Option(help="Folder of class ids, where labels are objects.")
]
Start = Annotated[
    str | None, typer.Option("--from", help="A model to go on from: nuclei-2d, or a folder.")
]
Axes = Annotated[
    int | None, typer.Option(help="2 or 3: axes that are seen at a time.", min=2, max=3)
]
HeadName = Annotated[Head | None, typer.Option(help="What tells objects apart; flow if not told.")]
Patience = Annotated[
    int | None, typer.Option(help="Validations without gain before it stops; 0: never.")
]
Workers = Annotated[
    int | None, typer.Option(help="Processes that make crops; 0: none beside this one.", min=0)
]
Folders = tuple[Path, Path, Path | None, Path | None]  # images, labels, masks, classes


def train(
    images: Annotated[Path, typer.Option(help="Folder of images.")],
    labels: Labels,
    output: Annotated[Path, typer.Option("--output", "-o", help="New folder for the model.")],
    masks: Masks = None,
    classes: Classes = None,
    start: Start = None,
    kind: Annotated[Kind | None, typer.Option(help="Seen from the labels if not told.")] = None,
    ndim: Axes = None,
    head: HeadName = None,
    class_names: Annotated[
        str | None, typer.Option(help="Of the class ids, in their order: nerve,vessel.")
    ] = None,
    channel: Annotated[
        str | None, typer.Option(help="Number (from 0) or name; all if not told.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Batches to learn from.")] = None,
    batch: Annotated[int | None, typer.Option(help="Crops in a batch.")] = None,
    patch: Annotated[str | None, typer.Option(help="Shape of the crops: 128,128.")] = None,
    rate: Annotated[float | None, typer.Option(help="Learning rate after the warm-up.")] = None,
    augment: Annotated[Augment | None, typer.Option(help="How crops are changed.")] = None,
    patience: Patience = None,
    workers: Workers = None,
    validation: Annotated[
        float | None, typer.Option(help="Share of the images; if not told a fifth, 20 at most.")
    ] = None,
    test: Annotated[float, typer.Option(help="Share of the images, scored at the end.")] = 0.0,
    licence: Annotated[str | None, typer.Option(help="Of the model, such as CC-BY-4.0.")] = None,
    data: Annotated[str, typer.Option(help="What the images are, for the model card.")] = "",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    seed: Annotated[int, typer.Option(help="Of the split, the crops and the weights.")] = 0,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write its log files, and keep them.")
    ] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Show plan and split, and stop.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a stopped run.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace another model.")] = False,
) -> None:
    """Make a model of images and their labels; a run that is stopped leaves its best so far."""
    from ..network.device import choose_device
    from ..training.plan.options import TrainingOptions

    with usage():
        options = TrainingOptions(
            start=start,
            kind=kind.value if kind else None,
            ndim=3 if ndim == 3 else 2 if ndim == 2 else None,
            head=None if head is None else head.value,
            class_names=_listed(class_names),
            channel=channel,
            validation=validation,
            test=test,
            steps=steps,
            batch=batch,
            patch=_shape(patch),
            learning_rate=rate,
            augmentation=augment.value if augment else None,
            patience=patience,
            workers=workers,
            licence=licence or ("not stated" if plan or resume else _asked()),
            data=data,
            device=device,
            seed=seed,
            tensorboard=tensorboard,
            resume=resume,
            overwrite=overwrite,
        )
        choose_device(device)
    _train((images, labels, masks, classes), output, options, only_plan=plan)


def _train(folders: Folders, output: Path, options: TrainingOptions, *, only_plan: bool) -> None:
    """Read, and train or say the plan."""
    from ..models.copy_bundle import check_target
    from ..network.distributed import Team
    from ..network.malloc import keep_freed_memory
    from ..training.plan.planner import plan_for, ready
    from ..training.train import training_steps

    leads = Team.here().leads
    keep_freed_memory()
    with failing():
        if not only_plan:
            check_target(output, overwrite=options.overwrite or options.resume)
        pairs, names = _read(*folders)
        options = options.model_copy(update={"class_names": options.class_names or names})
        if only_plan:
            typer.echo("\n".join(plan_for(ready(pairs, options), options).lines()))
            return
        try:
            trained = with_bar(training_steps(pairs, output, options), 1, not leads, whole="train")
        except KeyboardInterrupt:
            kept = f"The best so far is the model {output}" if output.exists() else "Nothing learnt"
            typer.echo(f"Stopped. {kept}; --resume goes on.", err=True)
            raise typer.Exit(INTERRUPTED) from None
    if leads:
        typer.echo("\n".join(trained.lines()))
        typer.echo(f"-> {output}")


def _read(
    images: Path, labels: Path, masks: Path | None, classes: Path | None
) -> tuple[list[Labelled], tuple[str, ...]]:
    """Return the images with their labels, and the names of the classes where they have some."""
    from ..training.data.read_labelled import coco_steps, folders_steps

    if labels.suffix == ".json":
        pairs, names = with_bar(coco_steps(images, labels), 1, False, whole="read the images")
        return pairs, names
    return with_bar(
        folders_steps(images, labels, masks, classes), 1, False, whole="read the images"
    ), ()


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",")) if text else ()


def _shape(text: str | None) -> tuple[int, ...] | None:
    try:
        return tuple(int(part) for part in text.split(",")) if text else None
    except ValueError:
        raise InputError(
            "Whole numbers are needed as a patch, such as 128,128", text or ""
        ) from None


def _asked() -> str:
    """Ask whoever sits there under which licence the model is made."""
    if not sys.stdin.isatty():
        return "not stated"
    return str(typer.prompt("Licence of the model", default="not stated"))
