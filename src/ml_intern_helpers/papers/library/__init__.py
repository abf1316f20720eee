"""What earlier runs found and noted, on disk: papers and notes in one SQLite file."""
