"""Time `tally segment` alone, beside a busy process and beside itself: do waiting threads spin?

    python benchmarks/busy.py --repeats 10
    python benchmarks/busy.py --repeats 5 --beside busy
    python benchmarks/busy.py --repeats 5 --beside itself --threads 4

An image of 2048 x 2048 px with 2,000 simulated nuclei, from command to result. Runs of all settings
alternate.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from side_by_side import compare, machine, report

from napari_tally import Volume, write
from napari_tally.simulate.nuclei import NucleiField

SETTINGS: dict[str, dict[str, str]] = {
    "as OpenMP does by default": {"GOMP_SPINCOUNT": "300000"},
    "tally (a short spin)": {},
    "OMP_WAIT_POLICY=passive": {"OMP_WAIT_POLICY": "passive"},
}
LOOP = [sys.executable, "-c", "while True: pass"]
_SET = ("OMP_", "GOMP_", "KMP_", "OPENBLAS_")


def clean(settings: dict[str, str], threads: int | None) -> dict[str, str]:
    """Return the environment with these settings of threads only."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_SET)}
    return kept | settings | ({"OMP_NUM_THREADS": str(threads)} if threads else {})


def segmenting(
    image: Path, settings: dict[str, str], args: argparse.Namespace
) -> Callable[[], None]:
    """Return a function that runs the command, `args.beside == "itself"`: twice at once."""
    env = clean(settings, args.threads)

    def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            count = 2 if args.beside == "itself" else 1
            commands = [
                [sys.executable, "-m", "napari_tally", "segment", str(image), "-o", f"{folder}/{n}",
                 "--json"]
                for n in range(count)
            ]  # fmt: skip
            running = [
                subprocess.Popen(c, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                for c in commands
            ]
            if any(one.wait() for one in running):
                raise RuntimeError("tally segment failed")

    return run


def main() -> None:
    """Print seconds and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--threads", type=int, help="OMP_NUM_THREADS. Default: not set.")
    parser.add_argument("--beside", choices=("nothing", "busy", "itself"), default="nothing")
    parser.add_argument(
        "--ways", type=int, default=len(SETTINGS), help="the first so many settings"
    )
    args = parser.parse_args()
    print(machine("torch", "numba"))
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "nuclei.tif"
        count = 2000 * args.size**2 // 2048**2
        pixels, _ = NucleiField(shape=(args.size, args.size), count=count, seed=0).draw()
        write(Volume(pixels, "YX", (0.5, 0.5), "um"), image)
        busy = [subprocess.Popen(LOOP)] if args.beside == "busy" else []
        try:
            names = list(SETTINGS)[: args.ways]
            ways = {name: segmenting(image, SETTINGS[name], args) for name in names}
            seconds = compare(ways, args.repeats)
        finally:
            for one in busy:
                one.kill()
    threads = args.threads or "default"
    print(f"{args.size} x {args.size} px, beside {args.beside}, threads: {threads}")
    report(seconds)


if __name__ == "__main__":
    main()
