"""Geometry: resampling to a model's pixels and back."""
