"""The training plan, chosen from the data and the machine.

In the manner of nnU-Net (Isensee et al., 2021, https://doi.org/10.1038/s41592-020-01008-z): from a
fingerprint of the data follow spacing, patch, depth and width of the network and batch; with
budgets for small machines instead of one for a large GPU.
"""

from __future__ import annotations

import re
from math import prod
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from ...core.options import Options
from ...heads import AnyHead, Kind
from ...models.preprocessing import FORMAT, Preprocessing, lifted
from ...network.architectures import AnyArchitecture
from ...network.hardware import Machine
from ...network.normalize import NnUNet, Operations, Standard
from ..augment.presets import Preset, preset
from ..loop.hyperparameters import (
    LEARNING_RATE,
    MOST_BATCH,
    MOST_STEPS,
    MOST_WORKERS,
    Hyperparameters,
)
from .rules import (
    batch_for,
    choose_augmentation,
    choose_diameter,
    choose_head,
    choose_network,
    choose_normalizer,
    choose_patch,
    choose_spacing,
    choose_tiling,
    choose_workers,
    scaled_shape,
    share_around,
    steps_for,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .dataset_fingerprint import Fingerprint

_VALIDATIONS = 20  # of a whole training
_SIDE = re.compile(r"(?<![a-z])(left|right)(?![a-z])", re.IGNORECASE)
_SHORTEST = 25  # steps between two of them
_PATIENCE = 12  # of them; with fewer, the last part of the cosine is lost, which gains most
_FLAT = 3.0  # largest anisotropy for rotations out of the plane


class Plan(Options):
    """All choices of a training.

    Attributes
    ----------
    kind : str
        What the labels are.
    class_ids : tuple of int
        The ids in the labels of the head's classes, in their order.
    preprocessing : Preprocessing
        How images are prepared for the network.
    min_size : int
        As in `ModelInfo`.
    architecture, head, patch, batch, steps, learning_rate, foreground, patience
        As in `Hyperparameters`.
    augmentation : str
        The preset.
    epoch : int
        Steps between two validations, each with a checkpoint.
    start : str
        The model whose weights are the first ones, or "".
    """

    format: Literal[2] = FORMAT
    kind: Kind
    class_ids: tuple[int, ...] = ()
    preprocessing: Preprocessing
    min_size: int = Field(0, ge=0)
    architecture: AnyArchitecture
    head: AnyHead
    patch: tuple[int, ...]
    batch: int = Field(ge=1, le=MOST_BATCH)
    steps: int = Field(ge=1, le=MOST_STEPS)
    epoch: int = Field(ge=1, le=MOST_STEPS)
    learning_rate: float = Field(LEARNING_RATE, gt=0)
    foreground: float = Field(0.0, ge=0, le=1)
    patience: int = Field(_PATIENCE, ge=0)
    augmentation: Preset = "light"
    workers: int = Field(1, ge=0, le=MOST_WORKERS)
    start: str = ""
    adapted: bool = False

    @model_validator(mode="before")
    @classmethod
    def _read(cls, fields: Any) -> Any:
        return lifted(fields, "The plan")

    @property
    def ndim(self) -> int:
        """Number of axes of the network's input."""
        return self.architecture.spatial_dims

    def changed(self, **choices: object) -> Plan:
        """Return the plan with other choices; the epoch is updated with the steps."""
        made = {name: value for name, value in choices.items() if value is not None}
        if "steps" in made and "epoch" not in made:
            made["epoch"] = epoch_of(int(str(made["steps"])))
        return Plan.model_validate({**dict(self), **made})

    def recipe(self, seed: int = 0, *, tensorboard: bool = False) -> Hyperparameters:
        """Return what the training loop takes."""
        spacing = self.preprocessing.spacing or (1.0,)
        flat = self.ndim == 3 and max(spacing) > _FLAT * min(spacing)
        return Hyperparameters(
            architecture=self.architecture,
            head=self.head,
            augmentation=preset(
                self.augmentation,
                self.ndim,
                oriented=self.preprocessing.orientation is not None,
                flat=flat,
                sided=any(_SIDE.search(name) for name in self.head.class_names),
            ),
            patch=self.patch,
            batch=self.batch,
            steps=self.steps,
            learning_rate=self.learning_rate,
            warmup=min(200, self.steps // 10),
            # Averages over a tenth of the training, so that the initial weights have no influence.
            ema=min(0.999, max(0.5, 1 - 10 / self.steps)),
            foreground=self.foreground,
            validate_every=self.epoch,
            checkpoint_every=self.epoch,
            patience=self.patience,
            workers=self.workers,
            tiling=self.preprocessing.tiling,
            tensorboard=tensorboard,
            seed=seed,
        )

    def lines(self) -> list[str]:
        """Describe the plan, one line per topic."""
        a, patch = self.architecture, " x ".join(map(str, self.patch))
        what = {"instances": "objects", "classes": "classes", "panoptic": "objects with classes"}
        return [
            f"Target: {what[self.kind]} in {self.ndim}D with the head {self.head.name}"
            + (f": {', '.join(self.head.class_names)}" if self.head.class_names else ""),
            f"Grid: {self._grid()}; intensities by {self._intensities()}",
            f"Network: {a.name} of {_levels(a)}; {a.in_channels} in, {a.out_channels} out"
            + (f"; fine-tuned from {self.start}" if self.start else "")
            + (f", whose first layer is adapted to {a.in_channels} in" if self.adapted else ""),
            f"{self.steps:,} steps of {self.batch} patches of {patch}, learning rate "
            f"{self.learning_rate:g}; validated every {self.epoch:,} steps"
            + (
                f", stops after {self.patience} validations without improvement"
                if self.patience
                else ""
            ),
            f"Augmentation: {self.augmentation}"
            + (
                f"; {self.foreground:.0%} of the patches around labelled voxels"
                * bool(self.foreground)
            )
            + f"; data-loading workers: {self.workers}" * bool(self.workers),
        ]

    def _grid(self) -> str:
        p = self.preprocessing
        if p.spacing is not None:
            return f"voxels of {p.voxel}" + f", reoriented to {p.orientation}" * bool(p.orientation)
        if p.diameter is None:
            return "the images' own voxels"
        d = p.diameter
        return (
            f"the images' own voxels where objects have {d.low:.3g} to {d.high:.3g} px, else "
            f"rescaled to {d.typical:.3g} px"
        )

    def _intensities(self) -> str:
        normalizer = self.preprocessing.normalizer
        if isinstance(normalizer, Standard | Operations | NnUNet):
            return f"{normalizer.name} means and deviations of the model to start from"
        values = normalizer.model_dump(exclude={"name", "inverted"}).values()
        inverted = ", inverted" if getattr(normalizer, "inverted", False) else ""
        return f"{normalizer.name} {' to '.join(f'{v:g}' for v in values)}".strip() + inverted


def epoch_of(steps: int) -> int:
    """Return the steps between two validations of a training of `steps` steps."""
    return min(steps, max(_SHORTEST, steps // _VALIDATIONS))


def _levels(architecture: AnyArchitecture) -> str:
    widths = architecture.level_widths
    return f"{len(widths)} levels ({', '.join(map(str, widths))} channels)"


def make_plan(
    data: Fingerprint,
    machine: Machine | None = None,
    *,
    head: str | None = None,
    architecture: str | None = None,
    class_names: Sequence[str] = (),
    stuff: Sequence[int] = (),
) -> Plan:
    """Choose everything for some data and a machine.

    Parameters
    ----------
    head : str, optional
        Name of the head that separates objects; see `rules.choose_head`.
    architecture : str, optional
        Name of the network's architecture; see `ARCHITECTURES`.
    class_names : sequence of str
        Names of the classes, in the order of their ids.
    stuff : sequence of int
        Class ids of regions that are not counted, for objects with classes.
    """
    machine = machine or Machine.here()
    chosen = choose_head(data, head, class_names, stuff)
    spacing, diameter = choose_spacing(data), choose_diameter(data)
    patch, levels = choose_patch(data, machine, spacing, diameter)
    whole = 2 * prod(patch) > prod(scaled_shape(data, spacing, diameter))
    network = choose_network(data, machine, chosen, patch, levels, whole=whole, name=architecture)
    patch = network.fit(patch)
    steps, batch = steps_for(data, machine), batch_for(network, patch, machine)
    return Plan(
        kind=data.kind,
        class_ids=data.ids,
        preprocessing=Preprocessing(
            channels=data.channels,
            spacing=spacing,
            spacing_unit=data.unit if spacing else "um",
            orientation=data.orientation,
            diameter=diameter,
            normalizer=choose_normalizer(data),
            tiling=choose_tiling(data, network),
        ),
        min_size=int(data.sizes[0] / 4) if data.kind != "classes" else 0,
        architecture=network,
        head=chosen,
        patch=patch,
        batch=batch,
        steps=steps,
        epoch=epoch_of(steps),
        foreground=share_around(data),
        augmentation=choose_augmentation(data, steps * batch * prod(patch)),
        workers=choose_workers(data, machine, steps),
    )
