"""Foundations of all other packages: errors, reports, text, paths, tokens."""
