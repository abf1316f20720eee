"""A launch before it starts: sent back, asked about, or put on file and let through."""
