"""Import results folders of nnU-Net v2 as networks of ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import ModelError
from ...files.run_record import sha256_file
from ...heads import Regions
from ..bundle import save_model
from ..model_info import ModelInfo, Source
from ..preprocessing import Preprocessing
from ..user_models import as_name
from ..weights import weights_path
from .nnunet_checkpoint import Checkpoint, own_weights, read_checkpoint
from .nnunet_files import DATASET, PLANS, Results, find_results, looks_like_results
from .nnunet_plans import AXES, Plans, check_patch, one_sentence, read_plans
from .proposal import ImportSettings, Proposal

if TYPE_CHECKING:
    from ...network.architectures import Architecture

FORMAT = "nnU-Net v2 (results folder with plans.json, dataset.json and fold_0, ...)"
_RESAMPLING = (
    "Images are resampled linearly with anti-aliasing, where nnU-Net interpolates with cubic "
    "splines: edges may differ by a voxel"
)


def recognizes(path: Path) -> bool:
    """Return whether a path is a results folder, one of its folds, or the folder above."""
    return looks_like_results(path)


def propose(path: Path, settings: ImportSettings) -> Proposal:
    """Read plans, data set and checkpoints; weights must fit exactly.

    Raises
    ------
    ModelError, FileError
        If something is missing, damaged or unknown.
    """
    results = find_results(path.resolve() if path.name in ("", ".") else path)
    dataset, given = results.read(DATASET), results.read(PLANS)
    first = read_checkpoint(results.checkpoints[0])
    plans = read_plans(given, dataset, first.configuration or _configuration(results))
    with one_sentence():
        architecture = plans.architecture
        check_patch(plans, architecture)
        info = _info(results, plans, first, settings)
    for checkpoint in results.checkpoints:
        own_weights(read_checkpoint(checkpoint), architecture, plans.order)

    def write(folder: Path) -> None:
        _write(folder, results, plans, architecture, info)

    return Proposal(
        info, _understood(results, plans, architecture, info), write, _warnings(plans, info)
    )


def _configuration(results: Results) -> str:
    return results.folder.name.rpartition("__")[2]


def _info(
    results: Results, plans: Plans, checkpoint: Checkpoint, settings: ImportSettings
) -> ModelInfo:
    head, data = plans.head, plans.dataset
    if settings.classes:
        if len(settings.classes) != len(head.classes):
            raise ModelError(
                f"{len(settings.classes)} classes are named, but the model has {len(head.classes)}"
            )
        head = head.model_copy(update={"classes": settings.classes})
    if settings.object_size:
        raise ModelError("An object size cannot be set: the plans state the size of voxels")
    title = str(data.get("name") or plans.plans.get("dataset_name") or results.folder.parent.name)
    return ModelInfo(
        name=settings.model_name or as_name(f"{title}-{plans.name}"),
        version="1",
        description=f"{title}: {', '.join(head.classes)} (nnU-Net v2, {plans.name})"[:300],
        licence=settings.licence or str(data.get("licence") or data.get("license") or "not stated"),
        head=head,
        preprocessing=Preprocessing(
            channels=settings.channels or plans.channels,
            normalizer=settings.normalizer or plans.normalizer,
            spacing=plans.spacing,
            spacing_unit="um" if plans.is_tiff or plans.spacing is None else "mm",
            orientation=plans.orientation,
            tiling=plans.tiling,
        ),
        mirrored=_mirrored(plans, checkpoint),
        source=Source(
            format="nnU-Net v2",
            location=f"{results.folder.parent.name}/{results.folder.name}",
            sha256=sha256_file(results.checkpoints[0]),
            trained_on=str(data.get("description") or "")[:200],
        ),
    )


def _mirrored(plans: Plans, checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return the axes along which the input is mirrored."""
    names = AXES[-plans.dims :]
    if any(not 0 <= axis < plans.dims for axis in checkpoint.mirrored):
        raise ModelError(f"{checkpoint.path} mirrors the axes {checkpoint.mirrored}")
    return tuple(
        n for n, axis in zip(names, plans.order, strict=True) if axis in checkpoint.mirrored
    )


def _write(
    folder: Path, results: Results, plans: Plans, architecture: Architecture, info: ModelInfo
) -> None:
    """Write a model of ours with the weights of all folds, in full precision."""
    from safetensors.torch import save_file

    read = [own_weights(read_checkpoint(c), architecture, plans.order) for c in results.checkpoints]
    save_model(folder, info, architecture, read[0], [(architecture, each) for each in read[1:]])
    for number, weights in enumerate(read, 1):  # which were written in half precision
        save_file(weights, folder / weights_path(number))


def _understood(
    results: Results, plans: Plans, architecture: Architecture, info: ModelInfo
) -> tuple[str, ...]:
    inputs, head = info.preprocessing, info.head
    voxels = f", voxels of {inputs.voxel}" if inputs.voxel else ", pixels of any size"
    stages = len(architecture.level_widths)
    kind = "Regions, which may overlap" if isinstance(head, Regions) else "Classes"
    schemes = [s.described for s in plans.normalizer.channels]
    pairs = zip(inputs.channels, schemes, strict=False)
    how = "; ".join(f"{channel} {scheme}" for channel, scheme in pairs)
    windows = f"Windows of {inputs.tiling.sizes} px overlap by half"
    copies = 2 ** len(info.mirrored)
    if copies > 1:
        windows += f"; the mean of {copies} mirrored copies ({', '.join(info.mirrored)})"
    network = f"{architecture.name} of {stages} stages{voxels}"
    return (
        f"nnU-Net v2, {plans.name}, {results.folds}: {network}",
        f"{kind}: {', '.join(head.class_names)}",
        f"Intensities: {how}",
        windows,
    )


def _warnings(plans: Plans, info: ModelInfo) -> tuple[str, ...]:
    found = []
    if info.preprocessing.spacing is not None:
        found.append(_RESAMPLING)
        if plans.is_tiff:
            found.append("The unit of the voxel size is not stated: micrometres are assumed")
    if isinstance(info.head, Regions):
        found.append("In the class image smaller regions are in front of larger ones")
    if "ignore" in (plans.dataset.get("labels") or {}):
        found.append("The label 'ignore' is no class and is left out")
    if info.licence == "not stated":
        found.append("The folder states no licence")
    return tuple(found)
