"""What a measurement is: its declaration, its data, its options."""
