"""What is in a dataset, and which training methods can use it."""
