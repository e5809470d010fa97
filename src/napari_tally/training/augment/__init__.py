"""Augmentation of training patches."""
