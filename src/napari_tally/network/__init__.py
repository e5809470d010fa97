"""Networks: which one, what it sees, where it runs, and how it is led over a large image."""
