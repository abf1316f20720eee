"""`datasets` code that turns rows into what a trainer reads: candidates are written, run on the sample, and checked."""
