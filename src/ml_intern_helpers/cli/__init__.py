"""Handles arguments, errors, exit codes and printing for all commands."""
