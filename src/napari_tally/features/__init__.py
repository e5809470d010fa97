"""Measurements of objects, in groups: each is a file that declares its columns."""
