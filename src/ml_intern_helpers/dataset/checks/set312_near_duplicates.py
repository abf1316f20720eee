"""Rows that nearly repeat an earlier one: a word changed, another case, more white space.

They weigh as copies do, and as copies they leak into a held-out part. Two texts are near when they have at least 80 % of all
runs of five words in common; short texts must be the same words. Near copies are looked for in the sample alone. Keep one of
each before a held-out part is split off.

Bad:
    {"text": "Copper conducts heat and current well, and is soft enough to be drawn into a thin wire by hand."}
    {"text": "COPPER conducts heat and current well,  and is soft enough to be drawn into a thin wire by hand."}

Good:
    {"text": "Copper conducts heat and current well, and is soft enough to be drawn into a thin wire by hand."}
    {"text": "Iron is hard, rusts in the rain, and was worked by smiths long before anybody knew what it is made of."}
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.dataset.checks.context import LEAST_ROWS, Facts, finding
from ml_intern_helpers.dataset.checks.filter_code import FilterStep

CODE, TOPIC = "SET312", "copies"
SEVERITY: Severity = "warning"
#: What is left after its filter is the whole dataset, however many rows go.
COPIES = True
_LEFT_OUT = ("tools", "images", "system")
#: Places of near copies that are written into a filter, at most.
_MOST_PLACES = 200

# Near texts are found with bottom-k sketches, which pick the pairs worth comparing, and then the exact share of common runs. A
# MinHash library would only estimate the share (errors of some per cent at 128 permutations), and importing NumPy and SciPy for
# it takes longer than this search does for a sample.

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


def check(facts: Facts) -> Iterator[Finding]:
    """One finding that counts the near copies. A sample shows fewer than there are."""
    pairs = _near_pairs(facts)
    if not pairs:
        return
    row, first = (facts.sample.numbers[position] for position in pairs[0])
    many = f"{len(pairs)} rows nearly repeat an earlier one" if len(pairs) > 1 else "one row nearly repeats an earlier one"
    message = f"{many} (row {row} is nearly row {first}: at least {NEAR_SHARE:.0%} of all runs of words are in both)"
    message += "" if facts.complete else "; looked for in the sample alone: the whole split holds at least these"
    fix = "keep one of each before a held-out part is split off"
    yield finding(facts, CODE, SEVERITY, message, [row for row, _ in pairs], fix=fix)


def filters(facts: Facts, code: str) -> list[FilterStep]:
    """By place, where every row was read; of a sample, the places in the dataset are not known."""
    places = [row for row, _ in _near_pairs(facts)] if facts.complete else []
    if not 0 < len(places) <= _MOST_PLACES:
        return []
    return [FilterStep(code, f"index not in {{{', '.join(map(str, places))}}}", indexed=True)]


def _near_pairs(facts: Facts) -> list[tuple[int, int]]:
    """(position of a near copy, position of the earlier row): none word for word the same (that is SET307), and none with
    another label on the same words."""
    label = facts.roles.get("label")
    texts, words = [], []
    for row, numbers in zip(facts.texts, facts.words, strict=True):
        kept = [at for at, piece in enumerate(row) if piece.role and piece.role not in _LEFT_OUT] or range(len(row))
        texts.append([row[at].text for at in kept])
        words.append([numbers[at] for at in kept])
    return [
        (row, first)
        for row, first in near_copies(words)
        if texts[row] != texts[first] and (label is None or facts.rows[row].get(label) == facts.rows[first].get(label))
    ]


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
    """Hashes of the runs whose first word has a number divisible by `_ANCHORS`."""
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
    """The hashes a row is looked up by: its sketch, without the template where the row holds enough other text."""
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
    """Whether every text is near its counterpart; a short one must be the same, word for word."""
    if len(one.texts) != len(two.texts):
        return False
    return all(first == second or _alike(first, second, template) for first, second in zip(one.texts, two.texts, strict=True))


def _alike(one: Words, two: Words, template: frozenset[int]) -> bool:
    first, second = runs(one), runs(two)
    if template and min(len(first - template), len(second - template)) >= _OWN_RUNS:
        first, second = first - template, second - template
    return bool(first) and bool(second) and len(first & second) >= NEAR_SHARE * len(first | second)
