"""From network input to prediction maps: tiles, blocks, stacks."""
