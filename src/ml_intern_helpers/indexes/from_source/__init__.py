"""Reads a release from its source files: the names it offers, the arguments of its calls, and its deprecations."""
