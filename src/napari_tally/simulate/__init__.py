"""Images with exactly known truth: for sample data, tests and training."""
