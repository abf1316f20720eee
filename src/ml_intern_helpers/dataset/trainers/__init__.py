"""Predicts how TRL's trainers read rows: what stops them, and what they misread without an error.

This follows the preparation code of TRL 1.16; `tests/dataset/test_truth_training.py` compares the predictions with real training.
"""
