"""Import folders of Hugging Face's transformers: the networks of a list of ours."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.errors import ModelError, TallyError
from ...heads import Masks, Semantic
from ...mask_sets.frame import Frame
from ...mask_sets.frame_options import FrameOptions
from ...mask_sets.readings import Boxes, ClassMaps, Queries, QueryMaps
from ...network.runtimes import Transformers
from ...network.runtimes.transformers_config import CONFIG, checked_config, read_json
from ...network.runtimes.transformers_families import Family, family_of
from ...network.runtimes.transformers_weights import WEIGHTS, read_weights, weight_files
from ..model_info import ModelInfo, Source
from ..preprocessing import DiameterRange, Preprocessing
from ..user_models import as_name
from .hugging_face_card import ModelCard, read_model_card
from .hugging_face_classes import are_generic, class_names, has_background, stuff_names, trained_on
from .hugging_face_files import (
    CARD_FILE,
    PREPROCESSOR,
    TOKENIZER,
    checked_files,
    model_sha256,
    model_snapshot,
    model_title,
)
from .hugging_face_input import (
    channel_count,
    channel_names,
    fixed_size,
    frame_of,
    multiple_of,
    normalizer_of,
    tiling_of,
)
from .proposal import ImportSettings, Proposal
from .segformer_folder import is_segformer, write_segformer

if TYPE_CHECKING:
    from ...heads.base import Head
    from ...mask_sets.readings import Reading

FORMAT = "Hugging Face transformers (folder with config.json and safetensors)"
_PROBE = 128  # px
_ONEFORMER = "OneFormerForUniversalSegmentation"


def recognizes(path: Path) -> bool:
    """Return whether the path is a folder with the configuration of transformers."""
    try:
        folder = model_snapshot(path)
        config = folder / CONFIG
        if not config.is_file() or config.stat().st_size > 2**24:
            return False
        found = json.loads(config.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return path.is_dir() and path.name.startswith("models--")
    return isinstance(found, dict) and ("architectures" in found or "model_type" in found)


def propose(path: Path, settings: ImportSettings) -> Proposal:
    """Read the folder, load its network and try it on an empty image.

    Raises
    ------
    ModelError, FileError
        If it cannot be used.
    InputError
        If transformers is not installed.
    """
    Transformers.check_installed()
    folder = _Folder(model_snapshot(path), settings)
    checked_files(folder.path)
    info = folder.info
    _try(folder, info)
    ours = is_segformer(folder.architecture, folder.config) and settings.reading is None
    if ours:
        info = info.model_copy(update={"runtime": None, "reading": None})

    def write(target: Path) -> None:
        if ours:
            first = folder.first_is_background
            write_segformer(folder.path, target, info, first_is_background=first)
        else:
            _copy(folder.path, target / str(Transformers.model_fields["file"].default))

    return Proposal(info, folder.understood(ours=ours), write, folder.warnings, folder.card.text)


@dataclass(frozen=True)
class _Folder:
    """A folder, and what its files say."""

    path: Path
    settings: ImportSettings

    @cached_property
    def _checked(self) -> tuple[str, dict[str, Any]]:
        return checked_config(self.path)

    @property
    def architecture(self) -> str:
        return self._checked[0]

    @property
    def config(self) -> dict[str, Any]:
        return self._checked[1]

    @cached_property
    def family(self) -> Family:
        return family_of(self.architecture)

    @cached_property
    def processor(self) -> dict[str, Any]:
        path = self.path / PREPROCESSOR
        return read_json(path) if path.is_file() else {}

    @cached_property
    def card(self) -> ModelCard:
        return read_model_card(self.path / CARD_FILE)

    @cached_property
    def title(self) -> str:
        return model_title(self.path)

    @cached_property
    def all_names(self) -> tuple[str, ...]:
        """The names of all classes of the network, with the background if it has one."""
        own, given = class_names(self.config), self.settings.classes
        if not given:
            return own
        if len(given) == len(own):
            return given
        if len(given) == len(own) - 1 and self.gives_maps:
            return ("background", *given)
        raise ModelError(
            f"The network has {len(own)} classes, but {len(given)} names are given",
            hint=f"Its own are: {', '.join(own[:8])}" + ", ..." * (len(own) > 8),
        )

    @property
    def gives_maps(self) -> bool:
        return self.family.gives == "maps" or self.semantic

    @cached_property
    def semantic(self) -> bool:
        """Whether queries are summed to class maps, as semantic models of the kind want it."""
        reading = self.settings.reading
        if reading is not None:
            return self.family.gives == "masks" and reading.kind == "maps"
        named = "semantic" in self.title.lower()
        return self.family.gives == "masks" and (self.reduced or named)

    @property
    def reduced(self) -> bool:
        """Whether the background was removed from the labels."""
        return any(
            bool(self.processor.get(key))
            for key in ("do_reduce_labels", "reduce_labels", "do_reduce_label")
        )

    @property
    def first_is_background(self) -> bool:
        names, given = self.all_names, self.settings.classes
        if given:
            return len(given) < len(names) or has_background(names, reduced=True)
        return self.gives_maps and has_background(names, reduced=self.reduced)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        return self.all_names[self.first_is_background :]

    @cached_property
    def stuff(self) -> tuple[str, ...]:
        metadata = self.processor.get("metadata")
        things = metadata.get("thing_ids") if isinstance(metadata, dict) else None
        return stuff_names(self.classes, things) if self.family.gives == "masks" else ()

    @cached_property
    def reading(self) -> Reading:
        if self.settings.reading is not None:
            return self.settings.reading
        family = self.family
        background: Any = "first" if self.first_is_background else "none"
        if family.gives == "maps":
            return ClassMaps(outputs=family.outputs, classes=self.classes, background=background)
        no_object: Any = "last" if family.activation == "softmax" else "none"
        shared: dict[str, Any] = {
            "outputs": family.outputs, "classes": self.classes, "no_object": no_object,
            "activation": family.activation,
        }  # fmt: skip
        if family.gives == "boxes":
            return Boxes(layout="queries", score_threshold=0.5, **shared)
        if self.semantic:
            return QueryMaps(background=background, **shared)
        return Queries(mask_quality=family.mask_quality, **shared)

    @property
    def head(self) -> Head:
        if self.reading.kind == "maps":
            return Semantic(classes=self.classes)
        return Masks(classes=self.classes, stuff=self.stuff, threshold=0.5)

    @cached_property
    def size(self) -> tuple[int, ...]:
        return fixed_size(self.config, self.family)

    @property
    def runtime(self) -> Transformers:
        return Transformers(
            architecture=self.architecture,
            in_channels=channel_count(self.config),
            size=self.size,
            multiple=1 if self.size else multiple_of(self.config),
            task="semantic" if self.semantic else "panoptic" if self.stuff else "instance",
        )

    @property
    def preprocessing(self) -> Preprocessing:
        count, given = channel_count(self.config), self.settings
        if given.channels and len(given.channels) != count:
            raise ModelError(
                f"The network takes {count} channels, but {len(given.channels)} names are given"
            )
        size = given.object_size
        return Preprocessing(
            channels=given.channels or channel_names(count, self.processor),
            normalizer=given.normalizer or normalizer_of(self.processor, self.family, count),
            frame=None if self.reading.kind == "maps" else self.frame,
            tiling=tiling_of(self.processor, self.size),
            diameter=size and DiameterRange(low=size / 2, typical=size, high=size * 2),
        )

    @property
    def frame(self) -> FrameOptions:
        """How whole images are resized."""
        longest = self.settings.input_size
        if longest is None or self.size:
            return frame_of(self.processor, self.family, self.size)
        return FrameOptions(fit="pad", longest=longest, multiple=multiple_of(self.config))

    @cached_property
    def info(self) -> ModelInfo:
        return ModelInfo(
            name=self.settings.model_name or as_name(self.title),
            version="1",
            description=self.sentence,
            licence=self.settings.licence or self.card.licence or "not stated",
            head=self.head,
            reading=self.reading,
            runtime=self.runtime,
            preprocessing=self.preprocessing,
            source=Source(
                format=FORMAT,
                location=self.title,
                sha256=model_sha256(checked_files(self.path)),
                trained_on=trained_on(self.classes, self.card.datasets),
            ),
        )

    @property
    def sentence(self) -> str:
        kinds = "1 class" if len(self.classes) == 1 else f"{len(self.classes):,} classes"
        if self.reading.kind == "maps":
            return f"{self.family.title}: maps of {kinds}"
        queries = self.config.get("num_queries")
        count = f"{queries} queries" if isinstance(queries, int) else "queries"
        with_masks = "with masks" if self.family.gives == "masks" else "with boxes, without masks,"
        return f"{self.family.title}: {count} {with_masks} and {kinds}"

    def understood(self, *, ours: bool) -> tuple[str, ...]:
        """Return sentences about the model."""
        p, source = self.preprocessing, self.info.source
        frame = p.frame
        shape = " x ".join(map(str, self.size or (frame.size if frame else ())))
        found = [
            self.sentence,
            f"Input: {', '.join(p.channels)}; {p.normalizer.name} intensities"
            + f"; {shape} px" * bool(shape),
            f"Classes: {', '.join(self.classes[:8])}" + ", ..." * (len(self.classes) > 8),
        ]
        if source is not None and source.trained_on:
            found.append(f"Trained on {source.trained_on}")
        if ours:
            found.append("It can be fine-tuned: the network is rebuilt as a SegFormer of ours")
        return tuple(found)

    @property
    def warnings(self) -> tuple[str, ...]:
        found = []
        if not self.processor:
            found.append(
                f"There is no {PREPROCESSOR}: intensities are scaled as is usual for "
                f"{self.family.title}"
            )
        if are_generic(class_names(self.config)) and not self.settings.classes:
            found.append("The classes have no names")
        if not (self.settings.licence or self.card.licence):
            found.append("The licence is not stated")
        return tuple(found)


def _try(folder: _Folder, info: ModelInfo) -> None:
    """Load the network and read its outputs for an empty image."""
    import torch

    runtime = folder.runtime
    shape = runtime.fit((_PROBE, _PROBE))
    session = runtime.session(folder.path, torch.device("cpu"))
    try:
        outputs = session(np.zeros((runtime.in_channels, *shape), np.float32))
    except (TallyError, MemoryError):
        raise
    except Exception as error:  # torch raises anything where shapes do not fit
        detail = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"{info.name} cannot run on an image of {shape[0]} x {shape[1]} px: {detail[:200]}"
        ) from error
    folder.reading.read(outputs, Frame.same((shape[0], shape[1])))
    _check_count(folder, outputs)


def _check_count(folder: _Folder, outputs: dict[str, Any]) -> None:
    """Compare the classes of the network with their names."""
    family, logits = folder.family, outputs[folder.family.outputs[0]]
    count = logits.shape[1] if family.gives == "maps" else logits.shape[2]
    if family.gives != "maps" and family.activation == "softmax":
        count -= 1
    if count != len(folder.all_names):
        raise ModelError(
            f"The network has {count} classes, but its configuration names {len(folder.all_names)}",
            hint="Correct id2label in config.json",
        )


def _copy(folder: Path, target: Path) -> None:
    """Copy the files that are used; pickled weights become safetensors."""
    target.mkdir(parents=True)
    files = weight_files(folder)
    used = {CONFIG, PREPROCESSOR, *TOKENIZER}
    if any(path.suffix == ".bin" for path in files):
        from safetensors.torch import save_file

        weights = read_weights(files)
        save_file({n: w.clone().contiguous() for n, w in weights.items()}, target / WEIGHTS)
    else:
        used |= {path.name for path in files} | {f"{WEIGHTS}.index.json"}
    for path in checked_files(folder):
        if path.name in used:
            shutil.copyfile(path, target / path.name)
