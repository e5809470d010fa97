"""Comparing predictions with ground truth: images, folders, tables, reports."""
