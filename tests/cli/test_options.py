"""A field of options is a flag, a line of help, a Python argument and a part of the run record."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from fields import nuclei
from pydantic import Field
from typer.testing import CliRunner

import napari_tally
from napari_tally.cli.app import COMMANDS, app
from napari_tally.cli.command import ARGUMENT, Command, command, renamed
from napari_tally.cli.options import flags_of, former_flags, models_of
from napari_tally.core import options as core_options
from napari_tally.core.checked_options import checked
from napari_tally.core.errors import InputError
from napari_tally.core.options import Offer, Options
from napari_tally.segmentation.setup.options import SegmentOptions

IMAGE, GROUND_TRUTH = nuclei((96, 96))


def commands() -> dict[str, Command]:
    rooms = {name: import_module(f"napari_tally.cli.{m}") for name, (m, _) in COMMANDS.items()}
    found = {name: getattr(module, name) for name, module in rooms.items()}
    return {name: each for name, each in found.items() if isinstance(each, Command)}


def help_of(name: str) -> str:
    """Return the help of a command as one line."""
    found = CliRunner().invoke(app, [name, "--help"], terminal_width=100)
    assert found.exit_code == 0
    return " ".join(found.stdout.split())


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "a.tif"
    napari_tally.write(napari_tally.Volume(IMAGE, "YX", (0.5, 0.5), "um"), path)
    return path


@pytest.mark.parametrize("name", commands())
def test_every_field_of_a_command_is_in_its_help_with_what_it_means(name: str) -> None:
    shown = help_of(name)
    for model in models_of(commands()[name].function).values():
        for flag in flags_of(model):
            field = flag.field
            assert field.description.endswith("."), f"{model.__name__}.{field.name}"
            assert f"{field.flag} " in shown
            assert " ".join(field.description.split()) in shown
            assert field.limits in shown
            if field.choices and not field.many:
                assert f"{field.flag} [{'|'.join(field.choices)}]" in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_the_overview_is_the_first_line_of_the_help_and_there_is_an_example(name: str) -> None:
    shown = help_of(name)
    assert f" {COMMANDS[name][1]} " in shown
    assert f"Example: tally {name}" in shown


def test_fields_of_one_command_do_not_share_a_flag() -> None:
    for each in commands().values():
        models = models_of(each.function).values()
        flags = [flag.field.flag for model in models for flag in flags_of(model)]
        assert len(set(flags)) == len(flags)


class Toy(SegmentOptions):
    shade: Annotated[float, Offer(aliases=("tint",))] = Field(
        0.5, ge=0, le=1, description="Shade of the toy."
    )
    mode: Literal["fast", "slow"] = Field("fast", description="How the toy runs.")
    sizes: tuple[int, ...] | None = Field(None, description="Sizes of the toy.")


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command and the function take options with more fields."""
    monkeypatch.setattr("napari_tally.cli.segment.SegmentOptions", Toy)
    monkeypatch.setattr("napari_tally.api.segment.SegmentOptions", Toy)


@pytest.mark.usefixtures("toy", "image")
def test_a_new_field_is_a_flag_an_argument_and_in_the_record(run: Any) -> None:
    shown = help_of("segment")
    assert "--shade NUMBER Shade of the toy. [0 to 1; default: 0.5]" in shown
    assert "--mode [fast|slow] How the toy runs. [default: fast]" in shown
    args = ("--shade", "0.25", "--mode", "slow", "--sizes", "3,4", "--object-size", "12um")
    assert run("segment", "a.tif", "-o", "out", *args)[0] == 0
    record = json.loads(Path("out/a_run.json").read_text())["options"]
    assert (record["shade"], record["mode"], record["sizes"]) == (0.25, "slow", [3, 4])
    with pytest.raises(InputError, match="shade must be from 0 to 1, not 7"):
        napari_tally.segment(IMAGE, shade=7)
    assert checked(Toy, {"tint": 0.75}).shade == 0.75


def test_an_unknown_argument_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"no option 'treshold'\. Did you mean 'threshold'\?"):
        napari_tally.segment(IMAGE, treshold=0.4)
    with pytest.raises(InputError, match="Did you mean 'halo'"):
        napari_tally.segment(IMAGE, tiling={"hallo": 4})


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--threshold", "7"), "--threshold must be above 0 and below 1, not 7."),
        (("--threshold", "half"), "--threshold must be a number, not half."),
        (("--tile", "3"), "--tile must be at least 16, not 3."),
        (("--stack", "linked"), "no --stack 'linked'. Did you mean 'link'?"),
        (("--table", "xls"), "no --table 'xls'. Did you mean 'xlsx'?"),
        (("--object-size", "12"), "--object-size: "),
        (("--tune", "tolerance"), "--tune takes NAME=NUMBER, not tolerance."),
        (("--treshold", "0.5"), "--threshold"),
    ],
)
def test_wrong_values_name_the_flag_the_value_and_the_limit(
    run: Any, image: Path, args: tuple[str, ...], words: str
) -> None:
    code, _, err = run("segment", "a.tif", "-o", "out", *args)
    assert code == 2
    assert words in err
    assert not Path("out").exists()


def test_an_unknown_command_names_the_nearest(run: Any) -> None:
    code, _, err = run("segmnt")
    assert (code, "segment" in err) == (2, True)


ALIASES = [(n, old, new) for n, c in commands().items()
           for old, new in {**former_flags(c.function), **c.former}.items()]  # fmt: skip


def test_the_former_flags_are_those_of_the_grammar() -> None:
    assert {(name, old) for name, old, _ in ALIASES} == {
        ("segment", "--augment"), ("measure", "--image"), ("measure", "--set"),
        ("evaluate", "--pred"), ("evaluate", "--truth"), ("train", "--images"),
        ("train", "--labels"), ("train", "--augment"), ("train", "--rate"), ("tune", "--labels"),
        ("tune", "--augment"),
    }  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new"), ALIASES)
def test_a_former_flag_is_read_as_the_current_one_with_a_note(
    name: str, old: str, new: str, capsys: pytest.CaptureFixture[str]
) -> None:
    former = {old: new}
    for args in ([old, "x"], [f"{old}=x"]):
        expected = ["x"] if new == ARGUMENT else [a.replace(old, new) for a in args]
        assert list(renamed(args, former)) == expected
        now = "no longer needed: give its value alone" if new == ARGUMENT else f"now {new}"
        assert capsys.readouterr().err == f"{old} is {now}.\n"
    assert list(renamed(["--", old], former)) == ["--", old]
    assert f" {old} " not in help_of(name)


def test_former_flags_run(run: Any, image: Path) -> None:
    code, _, err = run("segment", "a.tif", "-o", "out", "--augment", "--object-size", "12um")
    assert (code, "--augment is now --tta." in err) == (0, True)
    assert json.loads(Path("out/a_run.json").read_text())["options"]["tta"] is True
    labels = "out/a_labels.tif"
    code, _, err = run("measure", labels, "--image", "a.tif", "--set", "shape", "-o", "t.csv")
    assert (code, "--image is now --images." in err, "--set is now --groups." in err) == (
        0, True, True,
    )  # fmt: skip
    code, _, err = run("evaluate", "--pred", labels, "--truth", labels, "-o", "report")
    assert (code, "--truth is now --ground-truth." in err) == (0, True)


def test_a_run_record_with_a_former_name_is_of_the_same_run(run: Any, image: Path) -> None:
    args = ("segment", "a.tif", "-o", "out", "--object-size", "12um")
    assert run(*args)[0] == 0
    path = Path("out/a_run.json")
    record = json.loads(path.read_text())
    record["options"]["augment"] = record["options"].pop("tta")
    path.write_text(json.dumps(record))
    code, out, _ = run(*args)
    assert (code, "already done" in out) == (0, True)


def test_former_names_in_python_are_accepted_with_one_note(
    caplog: pytest.LogCaptureFixture,
) -> None:
    core_options.note_rename.cache_clear()
    assert SegmentOptions(augment=True) == SegmentOptions(tta=True)  # type: ignore[call-arg]
    assert SegmentOptions.model_validate({"augment": True}).tta
    labels = np.pad(np.ones((4, 4), np.uint8), 3)
    found = napari_tally.evaluate(pred=labels, truth=labels)  # type: ignore[call-arg]
    assert found.summary["mean_ap"] == 1
    notes = [r.getMessage() for r in caplog.records]
    assert notes.count("augment is now tta.") == 1
    assert "truth is now ground_truth." in notes


def test_models_are_tuned_in_both_forms(run: Any, image: Path, monkeypatch: Any) -> None:
    napari_tally.write(napari_tally.Volume(GROUND_TRUTH, "YX", is_labels=True), "labels.tif")
    seen = []

    def tuned(pairs: Any, model: Any, options: Any) -> Any:
        seen.append((len(pairs), model.info.name, options.segment.object_size))
        raise InputError("Enough")
        yield

    monkeypatch.setattr("napari_tally.segmentation.tune.tune_steps", tuned)
    rest = ("--object-size", "12um", "-o", "out")
    run("tune", "a.tif", "--ground-truth", "labels.tif", "--model", "nuclei-2d", *rest)
    _, _, err = run("tune", "nuclei-2d", "--images", "a.tif", "--labels", "labels.tif", *rest)
    assert seen == [(1, "nuclei-2d", "12um")] * 2
    assert "--images is no longer needed" in err and "--labels is now --ground-truth." in err


class Nested(Options):
    depth: int = Field(1, ge=1, description="Depth.")
    secret: int = Field(2, description="Not for a command.")


class Every(Options):
    inner: Annotated[Nested, Offer(only=("depth",))] = Nested()
    path: Path | None = Field(None, description="A path.")
    sides: Literal[2, 3] | None = Field(None, description="Sides.")
    hidden: Annotated[int, Offer(hidden=True)] = Field(0, description="Not offered.")
    mirrored: bool = Field(True, description="On unless it is switched off.")


def test_nested_options_paths_and_numbered_choices_reach_the_function() -> None:
    taken = []

    @command()
    def every(options: Every) -> None:
        """Take all kinds."""
        taken.append(options)

    made = every.made("every")
    made([], standalone_mode=False)
    args = ["--depth", "3", "--path", "a/b", "--sides", "3", "--no-mirrored"]
    made(args, standalone_mode=False)
    given = Every(inner=Nested(depth=3), path=Path("a/b"), sides=3, mirrored=False)
    assert taken == [Every(), given]
    names = {p.name for p in made.params}
    assert not any("secret" in name or "hidden" in name for name in names)


def test_the_reference_has_a_row_for_each_flag() -> None:
    from importlib.util import module_from_spec, spec_from_file_location

    place = Path(__file__).parents[2] / "docs" / "generate_options.py"
    spec = spec_from_file_location("generate_options", place)
    assert spec is not None and spec.loader is not None
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    table = script.table_of(SegmentOptions)
    assert "| `--tile` | `tiling.tile` |  | at least 16 |" in table
    assert table.count("\n") == 2 + len(list(flags_of(SegmentOptions)))
    assert "## tally train" in script.page()
