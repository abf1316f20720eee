"""Checks on the sampled rows, one per file."""
