"""Geometry: orientation, and resampling to a model's pixels and back."""
