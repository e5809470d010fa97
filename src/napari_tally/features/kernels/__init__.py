"""Compiled passes over voxels on which measurements stand."""
