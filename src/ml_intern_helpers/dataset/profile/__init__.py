"""A dataset in a few kilobytes, which the page draws and `--compare` compares."""
