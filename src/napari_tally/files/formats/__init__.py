"""Formats of images, one format a file."""
