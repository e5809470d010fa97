"""`napari_tally.import_model`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.checked_options import checked
from ..models.bundle import load_model

if TYPE_CHECKING:
    from ..models.bundle import Model


def import_model(
    path: str | Path,
    name: str | None = None,
    *,
    trust: bool = False,
    overwrite: bool = False,
    **corrections: Any,
) -> Model:
    """Import a model that other people trained; afterwards `segment` takes it by name.

    Parameters
    ----------
    path : str or Path
        A file or folder: ONNX, BioImage.IO, TorchScript, and more: see `tally models import`.
    name : str, optional
        Its name here. Default: that of the file or folder.
    trust : bool
        Trust the file from now on, although it can hold code (TorchScript).
    overwrite : bool
        Replace an imported model of the same name.
    **corrections
        The fields of `ImportSettings`, which replace what is found in the file: classes, licence,
        object_size, reading, ...

    Returns
    -------
    Model
        The imported model, loaded.

    Raises
    ------
    TallyError
        If the file cannot be used, or the name is taken; the message says why.

    Examples
    --------
    >>> import napari_tally
    >>> model = napari_tally.import_model("unet.onnx", "my-unet")  # doctest: +SKIP
    >>> napari_tally.segment("cells.tif", "my-unet")  # doctest: +SKIP
    """
    from ..models.importing.importing import propose, save_proposal
    from ..models.importing.proposal import ImportSettings

    settings = checked(ImportSettings, {"model_name": name, "trust": trust, **corrections})
    return load_model(save_proposal(propose(Path(path), settings), overwrite=overwrite))
