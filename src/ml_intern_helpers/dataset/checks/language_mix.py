"""SET316: a few rows in another language than all the rest. A dataset that means to hold several languages is left alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.dataset.checks.context import Facts, finding
from ml_intern_helpers.dataset.definitions.languages import language
from ml_intern_helpers.dataset.definitions.limits import LEAST_ROWS, MAIN_LANGUAGE_SHARE


def check(facts: Facts) -> Iterator[Finding]:
    """One finding that counts the strays by language."""
    spoken = row_languages(facts)
    counts = Counter(name for name in spoken if name)
    told = sum(counts.values())
    if told < LEAST_ROWS or len(counts) < 2:
        return
    (main, most), *others = counts.most_common()
    at = [position for position, name in enumerate(spoken) if name not in (None, main)]
    if most < MAIN_LANGUAGE_SHARE * told or len(at) < 2:
        return
    named = ", ".join(f"{name} {count}" for name, count in others[:5])
    rows = "the rows" if facts.look.extent.complete else "the sampled rows"
    message = f"{rows} are in {main}, and some in another language or script: {named}"
    yield finding(facts, "SET316", "info", message, at, example=facts.whole[at[0]], fix="drop them unless they are meant")


def row_languages(facts: Facts) -> list[str | None]:
    """The language of what each row says, or None where it cannot be told (code, formulas, short texts)."""
    return [language(_spoken(facts, position)) for position in range(len(facts.rows))]


def _spoken(facts: Facts, position: int) -> str:
    """What columns that play a part say, the end of the row included: a question and its answer both count."""
    texts = [piece.text[:700] for piece in facts.texts[position] if piece.part is not None and piece.part != "system"]
    return "\n".join(texts or [piece.text[:700] for piece in facts.texts[position]])
