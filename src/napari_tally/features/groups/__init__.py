"""The groups of measurements, one group a file."""
