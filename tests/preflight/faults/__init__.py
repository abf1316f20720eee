"""Scripts with a fault put into them on purpose, and scripts that only look so: what the API rules are measured with."""
