"""Writes `datasets` code that turns rows into what a trainer reads: candidates are generated, run on the sample, and checked."""
