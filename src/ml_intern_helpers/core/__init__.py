"""What every room rests on: errors, reports, text, paths, tokens."""
