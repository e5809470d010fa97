"""The command that trains a model: `tally train`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import InputError
from ..files.options import MatchOptions
from ..training.plan.options import TrainingOptions
from .command import ARGUMENT, Images, command
from .run import failing, say, usage, with_bar

if TYPE_CHECKING:
    from ..training.data.labelled_image import Labelled


INTERRUPTED = 130
_NOT_STATED = "not stated"
Sources = tuple[list[str], Path, Path | None, Path | None]  # images, labels, masks, classes


@command(former={"--images": ARGUMENT, "--labels": "--ground-truth"})
def train(
    images: Images,
    ground_truth: Annotated[
        Path,
        typer.Option(
            "--ground-truth",
            metavar="LABELS",
            help="Labels: a folder with files named as the images, a file, a pattern or "
            "COCO annotations (.json).",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder for the model.")
    ],
    *,
    masks: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Masks of the annotated regions, for partial labels: a folder, file or pattern.",
        ),
    ] = None,
    classes: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Class ids, where the labels are object ids: a folder, file or pattern.",
        ),
    ] = None,
    options: TrainingOptions,
    names: MatchOptions,
    plan: Annotated[
        bool, typer.Option("--plan", help="Show the training plan and the split, and exit.")
    ] = False,
) -> None:
    """Train a model on labelled images, or fine-tune one.

    Stopping a run keeps the best model so far; --resume continues the run.

    \b
    Example: tally train images --ground-truth labels -o my-model --from nuclei-2d
    """
    from ..network.device import choose_device

    with usage():
        choose_device(options.device)
    if "licence" not in options.model_fields_set and not (plan or options.resume):
        options = options.model_copy(update={"licence": _asked()})
    sources = images, ground_truth, masks, classes
    _train(sources, names.label_suffix, output, options, only_plan=plan)


def _train(
    sources: Sources,
    suffix: str | None,
    output: Path,
    options: TrainingOptions,
    *,
    only_plan: bool,
) -> None:
    """Read the images, then train or show the plan."""
    from ..models.copy_bundle import check_target
    from ..network.distributed import Team
    from ..training.plan.planner import plan_for, ready
    from ..training.train import run_folder, training_steps

    leads = Team.here().leads
    with failing():
        if not only_plan and not run_folder(output).exists():
            check_target(output, overwrite=options.overwrite or options.resume)
        pairs, classes = _read(*sources, suffix=suffix, resample=options.resample)
        options = options.model_copy(update={"class_names": options.class_names or classes})
        if only_plan:
            say("\n".join(plan_for(ready(pairs, options), options).lines()))
            return
        try:
            trained = with_bar(training_steps(pairs, output, options), 1, not leads, whole="train")
        except KeyboardInterrupt:
            kept = f"The best model so far is {output}" if output.exists() else "No model yet"
            say(f"Stopped. {kept}; --resume continues the run.", err=True)
            raise typer.Exit(INTERRUPTED) from None
    if leads:
        say("\n".join(trained.lines()))
        say(f"-> {output}")


def _read(
    images: list[str],
    labels: Path,
    masks: Path | None,
    classes: Path | None,
    *,
    suffix: str | None,
    resample: bool,
) -> tuple[list[Labelled], tuple[str, ...]]:
    """Return the images with their labels, and the class names if there are any."""
    from ..training.data.read_labelled import READ, coco_steps, folders_steps

    if labels.suffix != ".json":
        steps = folders_steps(images, labels, masks, classes, suffix=suffix, resample=resample)
        return with_bar(steps, 1, False, whole=READ), ()
    if len(images) > 1 or not Path(images[0]).is_dir():
        raise InputError(
            f"COCO annotations such as {labels} need the folder of their images",
            hint=f"Pass one folder instead of {', '.join(images)}",
        )
    pairs, names = with_bar(coco_steps(Path(images[0]), labels), 1, False, whole=READ)
    return pairs, names


def _asked() -> str:
    """Ask for the licence of the model in an interactive terminal."""
    if sys.stdin is None or not sys.stdin.isatty():
        return _NOT_STATED
    return str(typer.prompt("Licence of the model", default=_NOT_STATED))
