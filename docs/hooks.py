"""Pages of the site that are made from the code, or lie elsewhere in the repository.

mkdocs calls `on_files` before it builds. None of these pages is kept in the repository, so none can
be out of date.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).parents[1]
GENERATORS = {
    "reference/commands.md": "generate_commands",
    "reference/options.md": "generate_options",
    "reference/measurements.md": "generate_measurements",
}
INCLUDED = {"contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
CARDS = ROOT / "src/napari_tally/models/shipped"
LINK = re.compile(r"(?<!!)\[([^]]+)\]\((?!https?:|#)([^)]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    from mkdocs.structure.files import File

    for path, text in pages():
        files.append(File.generated(config, path, content=text))
    for picture in sorted(CARDS.glob("*/docs/*.jpg")):
        path = f"reference/models/{picture.name}"
        files.append(File.generated(config, path, abs_src_path=str(picture)))
    return files


def pages() -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each generated page."""
    sys.path.insert(0, str(Path(__file__).parent))
    for path, module in GENERATORS.items():
        yield path, import_module(module).page()
    for path, source in INCLUDED.items():
        yield path, relinked((ROOT / source).read_text("utf-8"))
    for card in sorted(CARDS.glob("*/docs/README.md")):
        yield f"reference/models/{card.parts[-3]}.md", card.read_text("utf-8")
    yield "background/benchmarks.md", benchmarks()


def relinked(text: str) -> str:
    """Point links of a page in the root at the site's pages; links to other files become text."""

    def target(found: re.Match[str]) -> str:
        words, path = found.groups()
        inside = path.removeprefix("docs/")
        return f"[{words}]({inside})" if path.startswith("docs/") else words

    return LINK.sub(target, text)


def benchmarks() -> str:
    """Return the index of benchmarks, followed by the results to which it links."""
    index = (ROOT / "benchmarks/README.md").read_text("utf-8")
    index = re.sub(r"\(results/([\w-]+)\.txt\)", r"(#\1)", index)
    results = sorted((ROOT / "benchmarks/results").glob("*.txt"))
    blocks = (f"### {r.stem}\n\n```text\n{r.read_text('utf-8').rstrip()}\n```\n" for r in results)
    return "\n".join([relinked(index), "## Results\n", *blocks])
