"""The citation graph: the citations around one paper, and a walk beyond one hop, as lists, files and a page."""
