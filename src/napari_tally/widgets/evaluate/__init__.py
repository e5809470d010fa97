"""The Evaluate dock."""
