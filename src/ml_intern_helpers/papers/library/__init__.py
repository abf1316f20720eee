"""What earlier runs found, in a cache that may be deleted, and what they noted, in a file that may not."""
