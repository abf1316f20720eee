"""Tests of `inspect_dataset`, beneath its command line."""
