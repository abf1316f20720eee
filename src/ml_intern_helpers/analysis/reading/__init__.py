"""The script as text and syntax: its file, its header, what stands where, what lies beside it."""
