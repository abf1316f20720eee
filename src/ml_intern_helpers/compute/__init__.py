"""Finds out what can be used for training: this machine's hardware and the account's Jobs."""
