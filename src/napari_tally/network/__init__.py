"""Networks: normalization of their input, their device, and tiled inference."""
