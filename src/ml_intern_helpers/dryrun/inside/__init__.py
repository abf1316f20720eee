"""Runs in the script's own environment: replaces model weights, data, time, devices and uploads, and reports what it sees.

Nothing here imports the rest of the package, because the environment of a training script has torch and TRL but not the helpers.
"""
