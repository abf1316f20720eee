"""The value of an expression, as far as it is certain before the script runs."""
