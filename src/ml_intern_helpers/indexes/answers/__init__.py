"""What `api_lookup` finds and says."""
