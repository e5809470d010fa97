"""The Python API: what `import napari_tally` shows."""
