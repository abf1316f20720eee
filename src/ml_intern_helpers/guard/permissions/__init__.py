"""What passes without a prompt, and which of our own records nobody edits."""
