"""From prediction maps to labels."""
