"""After a call: what became of a launch, what was seen of a run, what a written script gets wrong."""
