"""Labelled images, splits, patches and their loading."""
