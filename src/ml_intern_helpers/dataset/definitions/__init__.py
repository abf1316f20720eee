"""What the checks look for: expressions and limits alone, shared by the checks on a sample and the scan of whole files."""
