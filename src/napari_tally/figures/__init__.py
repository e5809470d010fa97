"""Figures and pages: overlays, curves, HTML."""
