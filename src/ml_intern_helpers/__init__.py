"""Helper commands of the ml-intern plugin: facts for the fine-tuning loop, one command per fact."""

__version__ = "0.2.0"
