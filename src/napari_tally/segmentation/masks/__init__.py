"""Run models that return masks or boxes: frames, tiles, object size."""
