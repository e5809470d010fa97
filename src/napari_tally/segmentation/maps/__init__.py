"""From input to prediction maps: tiles, blocks, stacks."""
