"""What napari shows: docks, menus and sample data; the only room that knows napari and Qt."""
