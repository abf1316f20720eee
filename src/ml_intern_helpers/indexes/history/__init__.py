"""What was removed or renamed, in which release, and what replaces it."""
