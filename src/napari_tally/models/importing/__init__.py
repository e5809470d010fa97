"""Import models of other formats, one loader per file."""
