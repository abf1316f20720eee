"""What a paper says of its training: each value with the sentence or table cell that states it."""
