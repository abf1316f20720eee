"""What the evaluator computes without asking back: constants, and argparse's reading of a command line."""
