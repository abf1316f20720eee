"""A release read from its files by syntax: what it offers, what its calls take, what it says will go."""
