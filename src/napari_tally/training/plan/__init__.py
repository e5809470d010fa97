"""The training plan, derived from the data."""
