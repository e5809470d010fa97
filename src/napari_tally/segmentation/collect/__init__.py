"""From prediction maps to labels, classes and their tables."""
