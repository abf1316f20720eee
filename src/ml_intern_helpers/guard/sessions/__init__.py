"""The session as a whole: its start, its compaction, its end, and the researcher's hand-back."""
