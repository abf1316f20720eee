"""What an expression is worth, as far as that is certain before the script runs."""
