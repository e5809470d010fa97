"""The docs show commands, links and pages that exist."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from napari_tally.cli.app import app
from napari_tally.features.registry import GROUPS
from napari_tally.models.bundle import shipped_models

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(
    [*DOCS.rglob("*.md"), *ROOT.glob("*.md"), ROOT / "benchmarks/README.md"],
    key=lambda page: page.relative_to(ROOT),
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(tally [^`]+)`")
TALLY: Any = get_command(app)
LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    """Return the pages that the site gets from the code, by their paths."""
    sys.path.insert(0, str(DOCS))
    import hooks

    return dict(hooks.pages())


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def command_lines(text: str) -> Iterator[str]:
    """Yield the lines of code blocks that call `tally`."""
    blocks = "\n".join(body for language, body in FENCE.findall(text) if language == "bash")
    for line in blocks.replace("\\\n", " ").splitlines():
        found = re.search(r"(?:^|-m napari_)(tally .+)$", line.strip())
        if found:
            yield re.split(r" > |  +#", found[1])[0]


def command_and_words(line: str) -> tuple[Any, list[str]]:
    """Return the command of a line, and what follows its name."""
    command: Any = TALLY
    words = shlex.split(line)[1:]
    while words and hasattr(command, "commands"):
        if words[0] not in command.commands:
            assert command.invoke_without_command, f"{line!r}: no command {words[0]!r}"
            break
        command = command.get_command(None, words.pop(0))
    return command, words


def check_flags(line: str) -> None:
    """Refuse flags that a command does not offer, former names of flags too."""
    command, words = command_and_words(line)
    shown = [p for p in command.params if not getattr(p, "hidden", False)]
    flags = {word.partition("=")[0] for word in words if word.startswith("-")}
    unknown = flags - {flag for parameter in shown for flag in parameter.opts} - {"--help"}
    assert not unknown, f"{line!r} has {', '.join(sorted(unknown))}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_in_code_blocks_parse(page: Path) -> None:
    for line in command_lines(page.read_text("utf-8")):
        check_flags(line)
        command, words = command_and_words(line)
        if not hasattr(command, "commands") and "--list" not in words:
            command.make_context("tally", words)  # parses, and does not run


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_in_sentences_have_these_flags(page: Path) -> None:
    for line in INLINE.findall(FENCE.sub("", page.read_text("utf-8"))):
        if "COMMAND" not in line:
            check_flags(line)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_pictures_exist(page: Path, generated: dict[str, str]) -> None:
    for link in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
        path = link.partition("#")[0]
        if not path or path.startswith(("http:", "https:")):
            continue
        target = (page.parent / path).resolve()
        made = target.is_relative_to(DOCS) and str(target.relative_to(DOCS)) in generated
        assert target.exists() or made, f"{name_of(page)}: {link}"


def test_the_reference_has_every_command_group_and_model(generated: dict[str, str]) -> None:
    for name in TALLY.commands:
        assert f"## tally {name}\n" in generated["reference/commands.md"]
    for name in GROUPS:
        assert f"`{name}`" in generated["reference/measurements.md"]
    assert {f"reference/models/{name}.md" for name in shipped_models()} <= generated.keys()


def test_the_table_of_formats_is_up_to_date(generated: dict[str, str]) -> None:
    generator = pytest.importorskip("generate_formats")  # on the path since `generated`
    page = (DOCS / "reference/formats.md").read_text("utf-8")
    assert generator.table() in page, "run: python docs/generate_formats.py"


def test_the_cards_of_shipped_models_are_those_of_their_recipes() -> None:
    shipped = ROOT / "src/napari_tally/models/shipped"
    for card in shipped.glob("*/docs/README.md"):
        recipe = ROOT / "training" / f"{card.parts[-3]}.md"
        assert recipe.read_text("utf-8") == card.read_text("utf-8")


def test_every_page_of_the_menu_exists(generated: dict[str, str]) -> None:
    menu = re.findall(r"[\w./-]+\.md", (ROOT / "mkdocs.yml").read_text("utf-8"))
    for path in menu:
        assert (DOCS / path).is_file() or path in generated, path
    written = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")}
    assert written | generated.keys() == set(menu)
