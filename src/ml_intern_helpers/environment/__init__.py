"""Builds the plugin's Python environments on first use. Standard library only."""
