"""Models: their folders on disk, and those shipped with the package."""
