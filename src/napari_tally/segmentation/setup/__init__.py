"""Prepare a run before the network starts: input, object size, strategy."""
