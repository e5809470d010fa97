"""From an image to labelled, measured objects."""
