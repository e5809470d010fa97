"""What a run needs before the network starts: input, object size, strategy."""
