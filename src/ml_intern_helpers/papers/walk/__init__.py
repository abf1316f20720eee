"""The citation graph beyond one hop: walked under a budget, sorted into lanes, written to files."""
