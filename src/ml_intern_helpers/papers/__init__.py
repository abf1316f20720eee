"""Papers: search, citations, metadata, linked models and data."""
