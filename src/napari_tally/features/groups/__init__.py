"""The groups of measurements, one file per group."""
