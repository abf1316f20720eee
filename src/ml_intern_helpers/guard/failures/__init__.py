"""What a failed run's last words mean, and the way on."""
