"""Measuring label images: arrays, files, tables, reports."""
