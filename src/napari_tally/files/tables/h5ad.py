"""Tables as AnnData: observations are objects, variables are measurements."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    About = Mapping[str, Mapping[str, str]]

OURS = "napari-tally"  # key of `uns` with the order of the columns
_CENTROID = re.compile(r"centroid_[xyz]_(um|mm|px)")
# Identifiers and voxel positions are not measurements.
_NAMES = {"label", "t", "track", "class", "parent"}
_PLACES = ("bbox_", "centroid_index_")


def write(table: pd.DataFrame, path: Path, about: About | None = None) -> None:
    """Write a table as AnnData.

    Numbers are in `X`, with `title`, `unit` and `definition` in `var`; ids, classes, booleans
    and bounding boxes in `obs`; centroids along x, y (and z) in `obsm["spatial"]`.

    Parameters
    ----------
    about : mapping, optional
        For each column its `title`, `unit` and `definition`.
    """
    import h5py
    import pandas as pd
    from anndata import AnnData
    from anndata.io import write_elem

    spatial = sorted(c for c in table if _CENTROID.fullmatch(str(c)))
    measured = [c for c in table if c not in spatial and _is_measurement(table[c])]
    others = [c for c in table if c not in spatial and c not in measured]
    index = pd.Index(_names(table), dtype=object)
    obs = pd.DataFrame({c: _plain(table[c]) for c in others}, index=range(len(table)))
    data = AnnData(
        table[measured].to_numpy(np.float64),
        obs=obs.set_index(index),
        var=_var(measured, about or {}),
    )
    if spatial:
        data.obsm["spatial"] = table[spatial].to_numpy(np.float64)
    data.uns[OURS] = {
        "columns": np.array(table.columns, dtype=object),
        "spatial": np.array(spatial, dtype=object),
    }
    file = BytesIO()  # HDF5 crashes at its end where it could not write to a full disk
    with h5py.File(file, "w") as group:
        write_elem(group, "/", data)
    path.write_bytes(file.getbuffer())


def read(path: Path) -> pd.DataFrame:
    """Read a table written by `write`, with its columns in order."""
    import anndata
    import pandas as pd

    data: AnnData = anndata.read_h5ad(path)
    layout = data.uns.get(OURS, {"spatial": []})
    table = data.obs.reset_index(drop=True)
    for name in table.select_dtypes("category"):
        table[name] = table[name].astype(object)
    table = table.join(pd.DataFrame(np.asarray(data.X), columns=list(data.var_names)))
    for i, name in enumerate(layout["spatial"]):
        table[name] = np.asarray(data.obsm["spatial"])[:, i]
    return table[list(layout["columns"])] if "columns" in layout else table


def _is_measurement(column: pd.Series[Any]) -> bool:
    name = str(column.name)
    return column.dtype.kind in "iuf" and name not in _NAMES and not name.startswith(_PLACES)


def _names(table: pd.DataFrame) -> list[str]:
    """Return a name for each observation: its id, preceded by its frame in a series."""
    keys = [k for k in ("t", "label") if k in table]
    names = ["_".join(map(str, row)) for row in table[keys].itertuples(index=False, name=None)]
    return names if keys and len(set(names)) == len(names) else [str(i) for i in range(len(table))]


def _plain(column: pd.Series[Any]) -> Any:
    """Return a column as the writer takes it: text as categories of plain objects."""
    import pandas as pd

    values = column.to_numpy()
    if values.dtype.kind in "biuf":
        return values
    text = [None if pd.isna(v) else str(v) for v in column]
    kinds = sorted({t for t in text if t is not None})
    return pd.Categorical(text, categories=pd.Index(kinds, dtype=object))


def _var(names: Sequence[str], about: About) -> pd.DataFrame:
    import pandas as pd

    known = {key: [about.get(n, {}).get(key, "") for n in names] for key in _keys(about)}
    return pd.DataFrame(known, index=pd.Index(names, dtype=object), dtype=object)


def _keys(about: About) -> tuple[str, ...]:
    return ("title", "unit", "definition") if about else ()
