"""Download models: what a source has, and its files, checked, resumed and cached."""
