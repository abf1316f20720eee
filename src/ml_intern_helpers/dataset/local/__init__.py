"""Reads rows from files on this machine in one pass, within bounds of memory, and without executing anything."""
