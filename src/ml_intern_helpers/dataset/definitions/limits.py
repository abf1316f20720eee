"""Figures that the checks go by, each with its reason."""

from __future__ import annotations

#: `max_length` as people set it: the share of rows that each would cut is told.
MAX_LENGTHS = (512, 1024, 2048, 4096, 8192, 16384, 32768)
#: A recommended `max_length` leaves this share of the rows whole.
WHOLE_SHARE = 0.99
#: Bars of a length histogram, at most.
MOST_BARS = 40

#: Near duplicates (SET312). Texts are casefolded, split at white space and cut into runs of so many words; two texts are near
#: when they share at least `NEAR_SHARE` of all their runs (Jaccard). One changed word in fifty still is near.
SHINGLE_WORDS = 5
NEAR_SHARE = 0.8
#: Shorter texts must be the same words: five words more or less are another question.
LEAST_WORDS = 24
#: Runs that so many of the rows share are a prompt's template, not a copy; asked of at least `LEAST_ROWS` rows.
TEMPLATE_SHARE = 0.5
#: The smallest hashes of a text's runs (bottom-k sketch): texts that share none are not compared. Misses a near pair with a
#: chance of 0.2 to the power of this.
SKETCH = 8

#: Rows from which a column that never changes (SET315), a language mix (SET316) or a class balance (SET317) means something.
LEAST_ROWS = 20
#: One language is meant when so much of the rows is in it; the others then are strays (SET316).
MAIN_LANGUAGE_SHARE = 0.85
#: A class with less than this share of the rows is told (SET317).
SMALL_CLASS_SHARE = 0.2
#: Refusals (SET318) from this share on are a warning: the model learns them as a habit.
REFUSAL_SHARE = 0.02
#: Filters that would take more than this share of the rows are no remedy: NO GO.
MOST_REMOVED = 0.5
