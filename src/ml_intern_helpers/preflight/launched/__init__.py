"""A script judged together with the command line that starts it."""
