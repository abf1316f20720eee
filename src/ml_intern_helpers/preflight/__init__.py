"""What is wrong with a training script before it costs money."""
