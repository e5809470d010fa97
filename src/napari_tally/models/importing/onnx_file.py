"""Import ONNX files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import ModelError, printable
from ...files.run_record import sha256_file
from ...heads import Masks, Semantic
from ..model_info import ModelInfo, Source
from ..preprocessing import DiameterRange, Preprocessing
from ..user_models import as_name
from .import_tiles import tiles_for
from .known_classes import trained_on
from .onnx_families import prepared
from .onnx_graph import Graph
from .onnx_ours import described
from .onnx_outputs import understood
from .onnx_trial import tried
from .proposal import ImportSettings, Proposal
from .ultralytics import Ultralytics, distinct, is_ultralytics, named, read_metadata

if TYPE_CHECKING:
    from ...heads.base import Head
    from ...mask_sets.readings import Reading
    from ...network.runtimes import Onnx
    from .onnx_families import Prepared
    from .onnx_trial import Trial

FORMAT = "ONNX (.onnx)"
_WIDER = 1.5  # factor of the object sizes at which images are not rescaled


def recognizes(path: Path) -> bool:
    """Return whether the path is an ONNX file, or a folder with one and no other model."""
    return _file(path) is not None


def propose(path: Path, settings: ImportSettings) -> Proposal:
    """Read an ONNX file, and run it on an empty image to see its outputs.

    Raises
    ------
    ModelError, FileError
        If it is damaged, has code in it, or its outputs are unknown.
    """
    file = _file(path) or path
    graph = Graph.read(file)
    stated = _stated(graph)
    trial = tried(file)
    source = Source(format=FORMAT, location=path.name, sha256=sha256_file(file))
    ours = described(graph, trial, settings)
    if ours is not None:
        sentences: tuple[str, ...] = (f"A model of napari-tally with the head {ours.head.name}",)
        info = ours.model_copy(update={"source": source})
        warnings: tuple[str, ...] = ()
    else:
        info, sentences, warnings = _foreign(graph, trial, stated, settings, source)

    def write(folder: Path) -> None:
        target = folder / trial.runtime.file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
        for further in graph.files():
            shutil.copyfile(file.parent / further, target.parent / further)

    return Proposal(info, sentences, write, warnings, _card(info, stated, sentences))


def _foreign(
    graph: Graph, trial: Trial, stated: Ultralytics, settings: ImportSettings, source: Source
) -> tuple[ModelInfo, tuple[str, ...], tuple[str, ...]]:
    """Return the description of a network that others exported, what was understood, warnings."""
    found = understood(trial, graph, stated.classes, settings)
    name = next(i.name for i in graph.proto.graph.input if i.name not in graph.constants)
    longest = settings.input_size or max(stated.image_size, default=0)
    by_ultralytics = bool(stated.stride)
    ready = prepared(found.reading, trial, graph, name, longest, ultralytics=by_ultralytics)
    trained = trained_on(found.reading.classes)
    licence = settings.licence or stated.licence
    made_by = "ONNX (Ultralytics)" if by_ultralytics else source.format
    info = ModelInfo(
        name=settings.model_name or as_name(graph.path.stem),
        version=stated.facts.get("version", "1"),
        description=stated.description or found.sentence,
        licence=licence or "not stated",
        head=_head(found.reading),
        reading=found.reading,
        separate=found.reading.kind == "maps" and len(found.reading.classes) == 1,
        runtime=trial.runtime,
        preprocessing=_preprocessing(ready, trial.runtime, settings),
        source=source.model_copy(update={"format": made_by, "trained_on": trained}),
    )
    sentences = found.sentence, ready.sentence, *([f"Trained on {trained}"] if trained else [])
    warnings = [*_assumed(ready, settings, stated, found.reading)]
    warnings += [] if licence else ["The file states no licence"]
    if trial.batch > 1:
        warnings.append(f"The network takes {trial.batch} images at once: each is run that often")
    return info, sentences, tuple(warnings)


def _file(path: Path) -> Path | None:
    if path.is_dir():
        files = [p for p in path.glob("*.onnx") if p.is_file()]
        described = any((path / name).exists() for name in ("rdf.yaml", "bioimageio.yaml"))
        return files[0] if len(files) == 1 and not described else None
    return path if path.suffix.lower() == ".onnx" else None


def _stated(graph: Graph) -> Ultralytics:
    """Return what the metadata state; other exporters may write names, licence and author."""
    metadata = graph.metadata
    if is_ultralytics(metadata):
        return read_metadata(metadata, graph.path.name)
    classes = named(metadata.get("names", metadata.get("classes", "")))
    licence = metadata.get("license", metadata.get("licence", ""))
    keys = ("author", "version", "date", "url")
    return Ultralytics(
        classes=tuple(distinct(list(classes))),
        licence=printable(licence),
        description=printable(metadata.get("description", graph.proto.doc_string), 300),
        facts={key: printable(metadata[key]) for key in keys if metadata.get(key)},
    )


def _head(reading: Reading) -> Head:
    if reading.kind != "maps":
        return Masks.of(reading.class_names, reading.least_score)
    return Semantic(classes=reading.classes)


def _preprocessing(ready: Prepared, runtime: Onnx, settings: ImportSettings) -> Preprocessing:
    channels = settings.channels or ready.channels
    if len(channels) != runtime.in_channels:
        raise ModelError(
            f"The network has {runtime.in_channels} input channels, but {len(channels)} are named"
        )
    size = settings.object_size
    diameter = DiameterRange(low=size / _WIDER, typical=size, high=size * _WIDER) if size else None
    return Preprocessing(
        channels=channels,
        normalizer=settings.normalizer or ready.normalizer,
        frame=ready.frame,
        diameter=diameter,
        tiling=tiles_for(runtime),
    )


def _assumed(
    ready: Prepared, settings: ImportSettings, stated: Ultralytics, reading: Reading
) -> list[str]:
    """Return warnings about what the file does not state."""
    warnings = []
    if not ready.sure and settings.normalizer is None:
        warnings.append(
            "The file does not state how intensities are scaled: correct the normalizer if the "
            "result is poor"
        )
    if not stated.classes and not settings.classes and len(reading.classes) > 1:
        data = trained_on(reading.classes)
        known = f"those of {data} are assumed" if data else "they are numbered"
        warnings.append(f"The file does not name its {len(reading.classes)} classes: {known}")
    return warnings


def _card(info: ModelInfo, stated: Ultralytics, sentences: tuple[str, ...]) -> str:
    lines = [f"# {info.name}", "", info.description, "", f"- licence: {info.licence}"]
    lines += [f"- {key}: {value}" for key, value in stated.facts.items()]
    lines += [f"- imported from: {info.source.location}"] if info.source else []
    return "\n".join([*lines, "", *(f"{sentence}." for sentence in sentences), ""])
