"""Compiled passes over voxels, the basis of measurements."""
