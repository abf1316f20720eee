"""What a name stands for, and what made the object behind it."""
