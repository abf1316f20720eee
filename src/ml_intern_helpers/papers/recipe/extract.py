"""All facts of a paper, grouped by what they are about: the same value said twice is one entry that was said twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ml_intern_helpers.papers.reading.document import Document
from ml_intern_helpers.papers.recipe import doing, hyper, result_tables
from ml_intern_helpers.papers.recipe.choices import CHOICES
from ml_intern_helpers.papers.recipe.data import datasets
from ml_intern_helpers.papers.recipe.facts import Fact
from ml_intern_helpers.papers.recipe.models import base_models
from ml_intern_helpers.papers.recipe.parameters import PARAMETERS
from ml_intern_helpers.papers.recipe.scopes import ASIDE
from ml_intern_helpers.papers.recipe.sentences import Sentence, sentences
from ml_intern_helpers.papers.recipe.setting_tables import from_tables
from ml_intern_helpers.papers.recipe.stages import SAMPLING

#: In the order of the answer.
HYPERPARAMETERS = tuple(
    name
    for parameter in PARAMETERS
    if parameter.reported
    for name in ([parameter.name, *(choice.name for choice in CHOICES)] if parameter.name == "warmup" else [parameter.name])
)
_READERS = (hyper.from_sentence, base_models, datasets, doing.methods, doing.hardware, doing.results)
#: Of one sentence, at most; a list of results is a table in words.
MOST_OF_ONE = 40
#: Characters of running text that are looked at; the longest real papers have 400,000, and a page of 40 MB would take minutes.
MOST_CHARACTERS = 2_000_000


@dataclass
class Entry:
    """One value with where it was said first, in the paper's own account before other people's."""

    fact: Fact
    others: bool
    times: int = 1
    also: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        raw = self.fact.to_dict()
        del raw["name"]
        return {**raw, "times": self.times, "also_in": self.also, "about_others": self.others}


@dataclass
class Recipe:
    """What was found.

    Attributes:
        hyperparameters: one list for each known name; an empty one means "not stated".
        cut: whether the text was longer than what is looked at.
    """

    base_models: list[Entry]
    datasets: list[Entry]
    methods: list[Entry]
    hyperparameters: dict[str, list[Entry]]
    hardware: list[Entry]
    results: list[Entry]
    cut: bool = False

    @property
    def not_stated(self) -> list[str]:
        """What no sentence and no table gives."""
        parts = {"base_model": self.base_models, "dataset": self.datasets, "method": self.methods}
        parts |= self.hyperparameters | {"hardware": self.hardware, "results": self.results}
        return [name for name, found in parts.items() if not found]


def extract(document: Document) -> Recipe:
    """Every fact that the text states; nothing is inferred."""
    found, cut = _said(document)
    found += [(fact, False) for fact in from_tables(document)]
    found += [(fact, False) for fact in result_tables.results(document)]
    by_name: dict[str, list[tuple[Fact, bool]]] = {}
    for fact, others in found:
        by_name.setdefault(fact.name, []).append((fact, others))
    return Recipe(
        base_models=_names(by_name.get("base_model", [])),
        datasets=_names(by_name.get("dataset", [])),
        methods=_names(by_name.get("method", [])),
        hyperparameters={name: merged(by_name.get(name, [])) for name in HYPERPARAMETERS},
        hardware=merged(by_name.get("hardware", [])),
        results=merged(by_name.get("result", [])),
        cut=cut,
    )


def _said(document: Document) -> tuple[list[tuple[Fact, bool]], bool]:
    """The facts of the running text, each with whether its section is about others; and whether the text was too long."""
    found: list[tuple[Fact, bool]] = []
    left = MOST_CHARACTERS
    for sentence in sentences(document):
        left -= len(sentence.text)
        if left < 0:
            break
        found += [(fact, sentence.others) for fact in _of_sentence(sentence)]
    return found, left < 0


def _of_sentence(sentence: Sentence) -> Iterator[Fact]:
    for reader in _READERS:
        for number, fact in enumerate(reader(sentence)):
            if number >= MOST_OF_ONE:
                break
            yield fact


def merged(found: Iterable[tuple[Fact, bool]]) -> list[Entry]:
    """One entry for each value of each context, the paper's own account first."""
    entries: dict[tuple[object, ...], Entry] = {}
    for fact, others in sorted(found, key=lambda each: each[1]):
        key = (fact.value, fact.unit, fact.kind, fact.stage, (fact.context or "").lower())
        if key not in entries:
            entries[key] = Entry(fact, others)
        elif fact.section != entries[key].fact.section:
            _again(entries[key], fact)
    # What was used comes before what was tried, training before sampling, the paper's own account before other people's.
    return sorted(entries.values(), key=lambda entry: (entry.others, _tried(entry.fact), entry.fact.stage in SAMPLING))


def _tried(fact: Fact) -> bool:
    return fact.kind in ("searched", "range") or ASIDE in (fact.context or "")


def _again(entry: Entry, fact: Fact) -> None:
    entry.times += 1
    if fact.section not in entry.also:
        entry.also.append(fact.section)


def _names(found: list[tuple[Fact, bool]]) -> list[Entry]:
    """One entry for each name, those said most often first; what data was for is put together."""
    entries: dict[str, Entry] = {}
    for fact, others in sorted(found, key=lambda each: (each[1], _role_rank(each[0]))):
        key = str(fact.value).lower().replace(" ", "-")
        if key in entries:
            _again(entries[key], fact)
        else:
            entries[key] = Entry(fact, others)
    return sorted(entries.values(), key=lambda entry: (entry.others, _role_rank(entry.fact), -entry.times))


def _role_rank(fact: Fact) -> int:
    return {"training": 0, "training and evaluation": 1, None: 2}.get(fact.context, 3) if fact.name == "dataset" else 0
