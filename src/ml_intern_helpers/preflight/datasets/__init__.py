"""The datasets a script loads, and the columns they really have."""
