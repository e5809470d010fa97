"""Every shipped model has a card of one form, a recipe, a page and a row in the README."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from napari_tally.models.bundle import SHIPPED, read_info, shipped_models
from napari_tally.models.known_models import GROUPS, library

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


@pytest.fixture(params=shipped_models())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def card(name: str) -> str:
    return (SHIPPED / name / "docs/README.md").read_text("utf-8")


def test_cards_have_the_same_parts_in_one_order(name) -> None:
    text, info = card(name), read_info(SHIPPED / name)
    assert text.startswith(f"# {name} {info.version}\n")
    parts = [p for p in re.findall(r"^## (.+)$", text, re.MULTILINE) if p != "Confidence"]
    assert parts == ["Data", "Recipe", "Scores", "Limits"]
    for word in ("For research, not for diagnosis", "**Network**", "**Head**", "**Normalization**"):
        assert word in " ".join(text.split()), word
    assert "core" in text and "python " in text, "wall time of the training, command of the scores"
    assert "Licence of the weights" in text
    assert "@" not in text, "a placeholder is left"


def test_a_recipe_makes_the_model_again(name) -> None:
    recipe = ROOT / "training" / f"{name.replace('-', '_')}.py"
    assert f"`training/{recipe.name}`" in card(name)
    assert f'name="{name}"' in recipe.read_text("utf-8")


def test_the_menu_and_the_readme_have_the_model(name) -> None:
    assert f"reference/models/{name}.md" in (ROOT / "mkdocs.yml").read_text("utf-8")
    assert f"[`{name}`]" in README
    megabytes = sum(p.stat().st_size for p in (SHIPPED / name / "models").iterdir()) / 1e6
    row = next(line for line in README.splitlines() if line.startswith(f"| [`{name}`]"))
    stated = re.search(r"([\d.]+) MB", row)
    assert stated is not None and float(stated[1]) == pytest.approx(megabytes, abs=0.06)


def test_pictures_of_a_card_are_there(name) -> None:
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", card(name)):
        assert (SHIPPED / name / "docs" / path).is_file()


def test_models_say_what_they_are_for(name) -> None:
    info = read_info(SHIPPED / name)
    assert info.group in GROUPS
    assert info.images


def test_models_are_listed_by_group() -> None:
    groups = [GROUPS.index(entry.group) for entry in library() if entry.builtin]
    assert groups == sorted(groups)
