"""Runs a training script on this machine's CPU with a shrunk model, a few rows and three steps, before it costs anything."""
