"""TODO: say what services is."""
