"""Rows that nearly repeat an earlier one: a word changed, another case, more white space.

Like copies, they give a text too much weight and leak into a held-out part. Two texts are near copies if they have at least 80 %
of all runs of five words in common; short texts must have the same words. Only the sample is searched. A filter is offered only
if the sample is the whole split: the other near copies, and their positions, are unknown. Keep one of each before you split off
a held-out part.

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
#: Its filter loses no content, however many rows it removes.
COPIES = True
_LEFT_OUT = ("tools", "images", "system")
#: Most positions written into a filter; with more near copies there is none.
_MOST_POSITIONS = 200

# Bottom-k sketches select the pairs worth comparing; for these the exact share of common runs is computed. A MinHash library
# would only estimate that share (with errors of some per cent at 128 permutations), and importing its NumPy and SciPy takes
# longer than searching a sample.

#: Texts are split into overlapping runs of so many words; two are near copies if they share at least `NEAR_SHARE` of all their
#: runs (Jaccard similarity). A text of fifty words with one changed word is still a near copy.
SHINGLE_WORDS = 5
NEAR_SHARE = 0.8
#: Shorter texts must have the same words: in them, five other words make another question.
LEAST_WORDS = 24
#: Runs that this share of all rows have in common belong to a prompt template, which is no sign of a copy.
TEMPLATE_SHARE = 0.5
#: Number of the smallest hashes of a text's runs (bottom-k sketch) of which two texts must share one to be compared. A near pair
#: is missed with a probability of 0.2 to the power of this.
SKETCH = 8
#: A text as the numbers of its words in the vocabulary.
Words = tuple[int, ...]
#: A row with at least so many runs outside of the template is compared without the template.
_OWN_RUNS = 8
#: Most rows that a row is compared with: those that share most of its sketch.
_MOST_COMPARED = 12
#: The sketch of a text with at least `_LONG` words uses only the runs that start with one word in `_ANCHORS`; that of a text with
#: at most `_SHORT` words uses all runs. In between both are kept, so that a text of 190 words finds its copy of 210.
_LONG, _SHORT = 160, 240
_ANCHORS = 8
#: Hashes kept in a sketch: enough that some remain when those of a template are removed.
_KEPT = 3 * SKETCH


def check(facts: Facts) -> Iterator[Finding]:
    """One finding that counts the near copies; a sample shows fewer than the split has."""
    pairs = _near_pairs(facts)
    if not pairs:
        return
    row, first = (facts.sample.numbers[position] for position in pairs[0])
    many = f"{len(pairs)} rows nearly repeat an earlier one" if len(pairs) > 1 else "one row nearly repeats an earlier one"
    message = f"{many} (row {row} is nearly row {first}: at least {NEAR_SHARE:.0%} of all runs of words are in both)"
    message += "" if facts.complete else "; only the sample was searched: the whole split has at least these"
    fix = "keep one of each before you split off a held-out part"
    yield finding(facts, CODE, SEVERITY, message, [row for row, _ in pairs], fix=fix)


def filters(facts: Facts, code: str) -> list[FilterStep]:
    """A filter by position if the sample is the whole split; otherwise none, since positions in the dataset are unknown."""
    positions = [row for row, _ in _near_pairs(facts)] if facts.complete else []
    if not 0 < len(positions) <= _MOST_POSITIONS:
        return []
    return [FilterStep(code, f"index not in {{{', '.join(map(str, positions))}}}", indexed=True)]


def _near_pairs(facts: Facts) -> list[tuple[int, int]]:
    """(position of a near copy, position of the earlier row), without exact copies (SET307) and without rows whose labels
    differ."""
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


class RowText:
    """One row's texts, each as numbers of its words."""

    def __init__(self, texts: Sequence[Words]) -> None:
        self.texts = tuple(texts)
        self.whole = tuple(chain.from_iterable(self.texts))

    @cached_property
    def sketch(self) -> list[int]:
        """The smallest hashes of the row's runs; the sketches of near copies have some in common."""
        hashes = sorted(runs(self.whole))[:_KEPT] if len(self.whole) <= _SHORT else []
        return hashes + (sorted(_anchored(self.whole))[:_KEPT] if len(self.whole) >= _LONG else [])


def runs(words: Words) -> set[int]:
    """Hashes of all runs of `SHINGLE_WORDS` words; none for texts with fewer than `LEAST_WORDS` words."""
    if len(words) < LEAST_WORDS:
        return set()
    return set(map(hash, zip(*(words[start:] for start in range(SHINGLE_WORDS)), strict=False)))


def _anchored(words: Words) -> set[int]:
    """Hashes of the runs whose first word has a number divisible by `_ANCHORS`."""
    last = len(words) - SHINGLE_WORDS
    starts = [at for at, word in enumerate(words) if not word % _ANCHORS and at <= last]
    return {hash(words[at : at + SHINGLE_WORDS]) for at in starts}


def near_copies(rows: Sequence[Sequence[Words]]) -> list[tuple[int, int]]:
    """(row, earlier row) for every row that is a copy, or nearly a copy, of an earlier one.

    Args:
        rows: the texts of each row; two rows are near copies if all their texts are, in pairs.
    """
    docs = [RowText(texts) for texts in rows]
    template = _template(docs)
    first_position: dict[tuple[Words, ...], int] = {}
    holders: defaultdict[int, list[int]] = defaultdict(list)
    pairs = []
    for position, doc in enumerate(docs):
        earlier = first_position.setdefault(doc.texts, position) if len(doc.whole) > SHINGLE_WORDS else position
        if earlier == position:
            earlier = _nearest(docs, position, holders, template)
        if earlier != position:
            pairs.append((position, earlier))
        else:
            for item in _lookup_hashes(doc, template):
                holders[item].append(position)
    return pairs


def _template(docs: list[RowText]) -> frozenset[int]:
    """The runs that most rows share; they are counted only if the sketches indicate that there are any."""
    if len(docs) < LEAST_ROWS:
        return frozenset()
    seen = Counter(item for doc in docs for item in doc.sketch)
    if not seen or seen.most_common(1)[0][1] < TEMPLATE_SHARE * len(docs):
        return frozenset()
    counts = Counter(item for doc in docs for item in runs(doc.whole))
    return frozenset(item for item, count in counts.items() if count >= TEMPLATE_SHARE * len(docs))


def _lookup_hashes(doc: RowText, template: frozenset[int]) -> list[int]:
    """The hashes by which a row is looked up: its sketch, without the template if the row has enough other text."""
    if template and len(runs(doc.whole) - template) >= _OWN_RUNS:
        return [item for item in doc.sketch if item not in template]
    return doc.sketch


def _nearest(docs: list[RowText], position: int, holders: defaultdict[int, list[int]], template: frozenset[int]) -> int:
    """The earlier row of which row `position` is a near copy, or `position` itself.

    Rows that share less than a quarter of the sketch are not compared: near copies share far more.
    """
    hashes = _lookup_hashes(docs[position], template)
    shared = Counter(other for item in hashes for other in holders.get(item, ())[:200])
    for other, count in shared.most_common(_MOST_COMPARED):
        if 4 * count >= len(hashes) and _docs_are_near(docs[position], docs[other], template):
            return other
    return position


def _docs_are_near(doc: RowText, other: RowText, template: frozenset[int]) -> bool:
    """Whether each text is a near copy of its counterpart; short texts must be equal word for word."""
    if len(doc.texts) != len(other.texts):
        return False
    return all(
        text == other_text or _texts_are_near(text, other_text, template)
        for text, other_text in zip(doc.texts, other.texts, strict=True)
    )


def _texts_are_near(words: Words, other_words: Words, template: frozenset[int]) -> bool:
    own_runs, other_runs = runs(words), runs(other_words)
    if template and min(len(own_runs - template), len(other_runs - template)) >= _OWN_RUNS:
        own_runs, other_runs = own_runs - template, other_runs - template
    return bool(own_runs) and bool(other_runs) and len(own_runs & other_runs) >= NEAR_SHARE * len(own_runs | other_runs)
