"""Image formats, one per file."""
