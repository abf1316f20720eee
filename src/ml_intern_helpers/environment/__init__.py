"""The Python environments behind the plugin: what they consist of and how they are built on first use. Standard library only."""
