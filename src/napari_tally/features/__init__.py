"""Measurements of objects: each group is a file that declares its columns."""
