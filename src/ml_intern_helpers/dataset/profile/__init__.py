"""A dataset in a few kilobytes: what the page draws and `--compare` holds two datasets against each other by."""
