"""The report as text, for pipes, for people and for a model card."""
