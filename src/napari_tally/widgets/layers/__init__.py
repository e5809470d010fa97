"""Between napari's layers and our volumes."""
