"""Parts that all docks share."""
