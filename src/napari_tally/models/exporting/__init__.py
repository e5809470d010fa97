"""Export models to other formats, one per file."""
