"""The session as a whole: its start, its compaction, its end, and the end of a subagent."""
