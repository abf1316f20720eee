"""The datasets a script loads, and the columns its rows have."""
