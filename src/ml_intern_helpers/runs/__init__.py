"""What was agreed with the user, what was launched, and what it costs."""
