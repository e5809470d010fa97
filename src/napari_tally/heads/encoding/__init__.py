"""From labels to training targets."""
