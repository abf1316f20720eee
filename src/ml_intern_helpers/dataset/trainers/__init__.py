"""How TRL's trainers read rows: what stops them, and what they read wrongly without an error.

Written after the preparation code of TRL 1.16 and held to it by `tests/dataset/test_truth_training.py`.
"""
