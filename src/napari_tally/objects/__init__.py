"""Objects: their ids, their measurements, and how they match truth."""
