"""Measure label images: arrays and files, tables and reports."""
