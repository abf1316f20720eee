"""What runs at the client's hook points: one module for each event, and the ideas that they share."""
