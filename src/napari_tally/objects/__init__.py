"""Objects: ids, growing, linking, parents and summaries."""
