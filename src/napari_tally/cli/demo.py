"""The command that shows the main job: `tally demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .run import failing, with_bar
from .segment import Device, report


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")] = Path(
        "tally-demo"
    ),
    device: Device = "auto",
) -> None:
    """Do the main job on a real image: nuclei of human cells."""
    from ..network.device import choose_device
    from ..segmentation.demo import demo_steps

    with failing():
        choose_device(device)
        outcome = with_bar(demo_steps(output, device), 1, False)
    report([outcome], as_json=False)
    if outcome.result is not None:
        described = outcome.result.table.drop(columns="label").select_dtypes("number").describe()
        typer.echo(described.loc[["mean", "std", "min", "50%", "max"]].T.round(2).to_string())
        typer.echo(f"labels, table, run record and overlay are in {output}")
