"""Where the index of a release comes from: shipped, cached, an environment, or fetched."""
