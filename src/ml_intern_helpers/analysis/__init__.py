"""A Python training script read without running it: its syntax, names, values, calls, and the library releases it will meet."""
