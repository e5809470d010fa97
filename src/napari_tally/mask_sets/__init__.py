"""Objects as masks with scores: what instance and panoptic networks return."""
