"""Rows from files on this machine: read in one pass, never executed, bounded in memory."""
