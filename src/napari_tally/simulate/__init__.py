"""Simulated images with exact ground truth: sample data, tests and training."""
