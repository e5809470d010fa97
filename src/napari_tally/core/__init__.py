"""Values that every room shares: volumes, options, steps, quantities, errors, compiled loops."""
