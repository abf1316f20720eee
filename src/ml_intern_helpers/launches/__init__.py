"""A command line that launches training: read as the shell and the launchers read it, never run."""
