"""Finds texts that are nearly the same: bottom-k sketches to find pairs worth comparing, then the exact share of common runs.

An own hundred lines instead of a MinHash library: those estimate the share (errors of some per cent at 128 permutations), and
bring NumPy and SciPy, whose import alone takes longer than this does for a sample.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cached_property
from itertools import chain

from ml_intern_helpers.dataset.checks.context import LEAST_ROWS

#: Texts are cut into runs of so many words; two are near when they share at least `NEAR_SHARE` of all their runs (Jaccard). One
#: changed word in fifty still is near.
SHINGLE_WORDS = 5
NEAR_SHARE = 0.8
#: Shorter texts must be the same words: five words more or less are another question.
LEAST_WORDS = 24
#: Runs that so many of at least `LEAST_ROWS` rows share are a prompt's template, not a copy.
TEMPLATE_SHARE = 0.5
#: The smallest hashes of a text's runs (bottom-k sketch): texts that share none are not compared. Misses a near pair with a
#: chance of 0.2 to the power of this.
SKETCH = 8
#: A text as numbers of its words.
Words = tuple[int, ...]
#: Runs beside a template from which on a row is judged without the template.
_OWN_RUNS = 8
#: Rows that one row is compared with, at most: those that share most of its sketch.
_MOST_COMPARED = 12
#: Of texts with at least so many words, a sketch looks at the runs alone that start with one word in `_ANCHORS`; of texts up
#: to so many, at all. In between both are kept, so that a text of 190 words finds its copy of 210.
_LONG, _SHORT = 160, 240
_ANCHORS = 8
#: Hashes kept of a sketch: enough that some are left when those of a template are taken out.
_KEPT = 3 * SKETCH


class Doc:
    """One row's texts, each as numbers of its words."""

    def __init__(self, texts: Sequence[Words]) -> None:
        self.texts = tuple(texts)
        self.whole = tuple(chain.from_iterable(self.texts))

    @cached_property
    def sketch(self) -> list[int]:
        """The smallest hashes of its runs: of two near texts' common smallest ones, one is in both."""
        found = sorted(runs(self.whole))[:_KEPT] if len(self.whole) <= _SHORT else []
        return found + (sorted(_anchored(self.whole))[:_KEPT] if len(self.whole) >= _LONG else [])


def runs(words: Words) -> set[int]:
    """Hashes of all runs of `SHINGLE_WORDS` words; none for texts too short to be near another."""
    if len(words) < LEAST_WORDS:
        return set()
    return set(map(hash, zip(*(words[start:] for start in range(SHINGLE_WORDS)), strict=False)))


def _anchored(words: Words) -> set[int]:
    """Hashes of the runs that start with a word whose number says so."""
    last = len(words) - SHINGLE_WORDS
    starts = [at for at, word in enumerate(words) if not word % _ANCHORS and at <= last]
    return {hash(words[at : at + SHINGLE_WORDS]) for at in starts}


def near_copies(rows: Sequence[Sequence[Words]]) -> list[tuple[int, int]]:
    """(row, earlier row) for every row that is an earlier one, or nearly.

    Args:
        rows: the texts of each row; two rows are near when each text of one is near its counterpart in the other.
    """
    docs = [Doc(texts) for texts in rows]
    template = _template(docs)
    same: dict[tuple[Words, ...], int] = {}
    holders: defaultdict[int, list[int]] = defaultdict(list)
    found = []
    for at, doc in enumerate(docs):
        near = same.setdefault(doc.texts, at) if len(doc.whole) > SHINGLE_WORDS else at
        if near == at:
            near = _nearest(docs, at, holders, template)
        if near != at:
            found.append((at, near))
        else:
            for item in _marks(doc, template):
                holders[item].append(at)
    return found


def _template(docs: list[Doc]) -> frozenset[int]:
    """Runs that most rows share; counted in full only when the sketches show that there are any."""
    if len(docs) < LEAST_ROWS:
        return frozenset()
    seen = Counter(item for doc in docs for item in doc.sketch)
    if not seen or seen.most_common(1)[0][1] < TEMPLATE_SHARE * len(docs):
        return frozenset()
    counts = Counter(item for doc in docs for item in runs(doc.whole))
    return frozenset(item for item, count in counts.items() if count >= TEMPLATE_SHARE * len(docs))


def _marks(doc: Doc, template: frozenset[int]) -> list[int]:
    """What a row is looked up by: its sketch, without the template where the row holds enough beside it."""
    if template and len(runs(doc.whole) - template) >= _OWN_RUNS:
        return [item for item in doc.sketch if item not in template]
    return doc.sketch


def _nearest(docs: list[Doc], at: int, holders: defaultdict[int, list[int]], template: frozenset[int]) -> int:
    """The earlier row that row `at` is near to, else `at` itself.

    Of two near texts' sketches far more than a fourth is shared; rows that share less are not worth the comparison.
    """
    marks = _marks(docs[at], template)
    shared = Counter(other for item in marks for other in holders.get(item, ())[:200])
    for other, count in shared.most_common(_MOST_COMPARED):
        if 4 * count >= len(marks) and _near(docs[at], docs[other], template):
            return other
    return at


def _near(one: Doc, two: Doc, template: frozenset[int]) -> bool:
    """Every text near its counterpart; a short one must be the same, word for word."""
    if len(one.texts) != len(two.texts):
        return False
    return all(first == second or _alike(first, second, template) for first, second in zip(one.texts, two.texts, strict=True))


def _alike(one: Words, two: Words, template: frozenset[int]) -> bool:
    first, second = runs(one), runs(two)
    if template and min(len(first - template), len(second - template)) >= _OWN_RUNS:
        first, second = first - template, second - template
    return bool(first) and bool(second) and len(first & second) >= NEAR_SHARE * len(first | second)
