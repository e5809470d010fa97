"""Training models on labelled images."""
