"""What is measured of objects: each group of measurements is a file, and declares its columns."""
