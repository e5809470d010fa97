"""The manifest claims and offers the suffixes that the formats declare, in their order."""

from __future__ import annotations

from npe2 import PluginManifest

from napari_tally.widgets.plugin.manifest import (
    MANIFEST,
    filename_extensions,
    filename_patterns,
    updated,
)


def test_the_manifest_agrees_with_the_formats() -> None:
    found = PluginManifest.from_file(MANIFEST).contributions
    (reader,) = found.readers or ()
    assert reader.filename_patterns == filename_patterns()
    for writer in found.writers or ():
        assert writer.filename_extensions == filename_extensions()
    assert filename_extensions()[0] == ".nii.gz"  # what napari saves by default


def test_the_manifest_is_as_the_script_writes_it() -> None:
    text = MANIFEST.read_text("utf-8")
    assert updated(text) == text, "run: make manifest"


def test_the_script_writes_what_is_missing() -> None:
    text = MANIFEST.read_text("utf-8")
    assert updated(text.replace("'*.nii', ", "").replace("'.nii.gz', ", "")) == text
