"""preflight_check: its reading of scripts, its rules, its tables."""
