"""Import ONNX files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ...files.run_record import sha256_file
from ...heads import Masks, Semantic
from ...mask_sets.readings.recognize import recognized
from ...network.runtimes import Onnx
from ...network.tile_layout import Tiling
from ..model_info import ModelInfo, Source
from ..preprocessing import Preprocessing
from ..user_models import as_name
from .proposal import ImportSettings, Proposal

if TYPE_CHECKING:
    from ...heads.base import Head
    from ...mask_sets.readings import Reading

FORMAT = "ONNX (.onnx)"


def recognizes(path: Path) -> bool:
    """Return whether the path is an ONNX file."""
    return path.suffix.lower() == ".onnx"


def propose(path: Path, settings: ImportSettings) -> Proposal:
    """Read the inputs and outputs of an ONNX file."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    shape = tuple(n if isinstance(n, int) else -1 for n in given.shape)
    outputs = {
        o.name: tuple(n if isinstance(n, int) else -1 for n in o.shape)
        for o in session.get_outputs()
    }
    found = recognized(outputs, settings.classes)
    runtime = Onnx(
        spatial_dims=len(shape) - 2,
        in_channels=shape[1],
        size=shape[2:] if min(shape[2:]) > 0 else (),
    )
    info = ModelInfo(
        name=settings.model_name or as_name(path.stem),
        version="1",
        description=found.sentence,
        licence=settings.licence or "not stated",
        head=_head(found.reading),
        reading=found.reading,
        runtime=runtime,
        preprocessing=Preprocessing(channels=("image",) * shape[1], tiling=_tiling(runtime.size)),
        source=Source(format=FORMAT, location=path.name, sha256=sha256_file(path)),
    )

    def write(folder: Path) -> None:
        (folder / runtime.file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / runtime.file)

    return Proposal(info, (found.sentence,), write)


def _head(reading: Reading) -> Head:
    if reading.kind != "maps":
        return Masks(classes=reading.classes)
    return Semantic(classes=reading.classes or ("object",))


def _tiling(size: tuple[int, ...]) -> Tiling:
    """Return tiles of the size that the network takes, if that is fixed."""
    if not size:
        return Tiling()
    return Tiling(tile=size[0], halo=size[0] // 8, mirror=0, exact=True)
