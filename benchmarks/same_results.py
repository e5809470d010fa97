"""Check that labels, class maps and tables are bit for bit what they were before a change.

    python benchmarks/same_results.py --write     # before the change: record the hashes
    python benchmarks/same_results.py             # after it: compare

Only public names are used, so that the script runs before and after a move of the modules.
Hashes hold for one machine: another CPU rounds differently.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from side_by_side import machine

from napari_tally import measure, read, segment

RESULTS = Path(__file__).parent / "results" / "same_results.txt"


def digest(value: object) -> str:
    """Return the hash of an array (with dtype and shape), a table, or nothing."""
    if isinstance(value, pd.DataFrame):
        content = value.to_csv(float_format="%.17g").encode()
    else:
        array = np.ascontiguousarray(value)
        content = f"{array.dtype.name}{array.shape}".encode() + array.tobytes()
    return hashlib.sha256(content).hexdigest()[:32]


def demo() -> Iterator[tuple[str, str]]:
    """Hash what `tally demo` writes: labels and table."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "napari_tally", "demo", "--output", folder]
        subprocess.run(command, check=True, capture_output=True)
        yield "demo labels", digest(read(Path(folder) / "cells3d_nuclei_labels.tif").array)
        yield "demo table", digest(pd.read_csv(Path(folder) / "cells3d_nuclei_objects.csv"))


def images(data: Path) -> Iterator[tuple[str, str]]:
    """Hash the labels and tables of 20 images of nuclei."""
    for name in sorted((data / "nuclei-2d" / "split_val.txt").read_text().split())[:20]:
        result = segment(data / "nuclei-2d" / "images" / name)
        yield f"{name} labels", digest(result.labels)
        yield f"{name} table", digest(result.table)


def stack(data: Path) -> Iterator[tuple[str, str]]:
    """Hash a 3D run on `cells3d` and one table with all groups of measurements."""
    path = data / "nuclei-3d" / "cells3d_image.tif"
    image = read(path, axes="ZYX")
    result = segment(np.asarray(image.array), axes="ZYX", spacing=(0.29, 0.26, 0.26))
    yield "cells3d labels", digest(result.labels)
    yield "cells3d table", digest(result.table)
    table = measure(result.volume, np.asarray(image.array), groups=("all",), ring="2um")
    yield "cells3d all groups", digest(table)


def volumes(data: Path) -> Iterator[tuple[str, str]]:
    """Hash the class maps and tables of two MR volumes."""
    for path in sorted((data / "hippocampus-mr" / "images").iterdir())[:2]:
        result = segment(path, "hippocampus-mr", separate=True)
        assert result.classes is not None
        yield f"{path.name} classes", digest(result.classes.array)
        yield f"{path.name} objects", digest(result.labels)
        yield f"{path.name} table", digest(result.table)
        yield f"{path.name} classes table", digest(result.classes_table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--write", action="store_true", help="record instead of comparing")
    args = parser.parse_args()
    found = [
        f"{sha}  {name}"
        for part in (demo(), images(args.data), stack(args.data), volumes(args.data))
        for name, sha in part
    ]
    if args.write:
        RESULTS.write_text("\n".join([machine("torch"), *found, ""]))
        print(f"{len(found)} hashes written to {RESULTS}")
        return
    before = RESULTS.read_text().splitlines()[2:]  # below the machine and the versions
    changed = sorted(set(found) ^ set(before))
    print("\n".join(changed) if changed else f"all {len(found)} hashes are the same")
    raise SystemExit(bool(changed))


if __name__ == "__main__":
    main()
