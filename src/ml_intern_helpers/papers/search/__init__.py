"""One question to three services, one ranked list."""
