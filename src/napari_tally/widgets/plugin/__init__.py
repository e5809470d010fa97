"""What the manifest contributes: commands, reader, writer, sample data."""
