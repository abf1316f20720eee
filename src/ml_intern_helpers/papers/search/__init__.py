"""Searches: over all services with a ranking, and at arXiv alone."""
