"""Rows in the tokens of the model that will be trained: its own tokenizer and chat template, and none of its code."""
