"""Extracts a paper's recipe: values that are stated without doubt, ranked quotes for the other parameters, and named things."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ml_intern_helpers.papers.reading.document import Document
from ml_intern_helpers.papers.recipe import facts, stages
from ml_intern_helpers.papers.recipe.parameters import HYPERPARAMETERS
from ml_intern_helpers.papers.recipe.sentences import Fact, sentences
from ml_intern_helpers.papers.recipe.setting_tables import from_tables
from ml_intern_helpers.papers.recipe.statements import Claim, Value, claims

_READERS = (facts.base_models, facts.datasets, facts.methods, facts.hardware, facts.results)
#: Facts of one kind from one sentence, at most.
MOST_OF_ONE = 40
#: Quotes of one parameter that are kept.
MOST_QUOTES = 20
#: Characters of running text that are read; the longest real papers have 400,000, and a page of 40 MB would take minutes.
MOST_CHARACTERS = 2_000_000
#: Words in the headings of sections about other people's work.
_RELATED = ("related", "background", "preliminar", "reference")


@dataclass
class Entry:
    """One value or name with its first occurrence, preferably in the paper's own account."""

    fact: Fact
    others: bool
    times: int = 1
    also: list[str] = field(default_factory=list)

    def add(self, fact: Fact) -> None:
        """Count a further occurrence."""
        self.times += 1
        if fact.section not in (self.fact.section, *self.also):
            self.also.append(fact.section)

    def to_dict(self) -> dict[str, Any]:
        raw = self.fact.to_dict()
        del raw["name"]
        return {**raw, "times": self.times, "also_in": self.also, "about_others": self.others}


@dataclass
class Setting:
    """One hyper-parameter: the values stated without doubt, one for each stage, and quotes for the rest, the best first."""

    values: list[Entry] = field(default_factory=list)
    quotes: list[Claim] = field(default_factory=list)

    @property
    def state(self) -> str:
        return "stated" if self.values else "quoted" if self.quotes else "not stated"


@dataclass
class Recipe:
    """Everything found; `cut` says that the text was too long to be read to its end."""

    base_models: list[Entry]
    datasets: list[Entry]
    methods: list[Entry]
    hyperparameters: dict[str, Setting]
    hardware: list[Entry]
    results: list[Entry]
    cut: bool = False

    @property
    def not_stated(self) -> list[str]:
        """Parts and parameters without any value or quote."""
        parts = {"base_model": self.base_models, "dataset": self.datasets, "method": self.methods}
        settings = {name: setting.values or setting.quotes for name, setting in self.hyperparameters.items()}
        ends = {"hardware": self.hardware, "results": self.results}
        return [name for name, found in {**parts, **settings, **ends}.items() if not found]


def extract(document: Document) -> Recipe:
    """Every fact that the text states; nothing is inferred."""
    by_name: dict[str, list[tuple[Fact, bool]]] = {}
    all_claims: list[Claim] = []
    in_turn: set[str] = set()
    left = MOST_CHARACTERS
    for sentence in sentences(document):
        left -= len(sentence.text)
        if left < 0:
            break
        all_claims += claims(sentence)
        if not any(word in title.lower() for title in sentence.titles for word in _RELATED):
            in_turn |= stages.in_turn(sentence.reading.text)
        for reader in _READERS:
            for fact in islice(reader(sentence), MOST_OF_ONE):
                by_name.setdefault(fact.name, []).append((fact, sentence.others))
    all_claims += from_tables(document)
    for fact in facts.from_tables(document):
        by_name.setdefault(fact.name, []).append((fact, False))
    # The kinds of training that follow each other in a sentence, have settings, or have a heading of their own.
    kinds = in_turn | {
        stages.group(claim.fact.stage) or ""
        for claim in all_claims
        if claim.fact.kind == "set" and claim.fact.stage and claim.fact.stage not in stages.SAMPLING
    }
    for section in document.walk():
        stage = stages.of_titles([section.title], "learning_rate")
        if stage and stage != "value model" and not any(word in section.title.lower() for word in _RELATED):
            kinds.add(stages.group(stage) or "")
    single = len(kinds) < 2
    return Recipe(
        base_models=_names(by_name.get("base_model", [])),
        datasets=_names(by_name.get("dataset", [])),
        methods=_names(by_name.get("method", [])),
        hyperparameters={
            name: judged([claim for claim in all_claims if claim.fact.name == name], single) for name in HYPERPARAMETERS
        },
        hardware=_merged(by_name.get("hardware", [])),
        results=_merged(by_name.get("result", [])),
        cut=left < 0,
    )


def judged(all_claims: list[Claim], single: bool) -> Setting:
    """One parameter: the values of a known stage, or of a paper with one stage, that nothing contradicts; quotes for the rest."""
    entries: dict[tuple[str | None, str | None, str | None], list[Claim]] = {}
    for claim in all_claims:
        fact = claim.fact
        if fact.kind != "quoted" and not claim.others and (fact.stage or (single and fact.name != "temperature")):
            stage = None if single and fact.stage not in stages.SAMPLING else stages.group(fact.stage)
            entries.setdefault((stage, fact.context, fact.unit), []).append(claim)
    values = []
    for key, given in entries.items():
        if len({claim.fact.value for claim in given}) == 1 and not _contradicted(given[0].fact.value, key, all_claims, single):
            entry = Entry(next((claim.fact for claim in given if claim.fact.stage), given[0].fact), False)
            for claim in given[1:]:
                entry.add(claim.fact)
            values.append(entry)
    values.sort(key=lambda entry: entry.fact.stage in stages.SAMPLING)
    quoted = {entry.fact.quote for entry in values}
    quotes: dict[str, Claim] = {}
    for claim in sorted(all_claims, key=lambda claim: -claim.score):
        if claim.score >= 0 and claim.fact.quote not in quoted:
            quotes.setdefault(claim.fact.quote, claim)
    return Setting(values, list(quotes.values())[:MOST_QUOTES])


def _contradicted(
    value: Value, key: tuple[str | None, str | None, str | None], all_claims: Iterable[Claim], single: bool
) -> bool:
    """Whether the paper states another value that may belong to the same stage and kind."""
    stage, context, unit = key
    for claim in all_claims:
        fact = claim.fact
        other_stage = stages.group(fact.stage)
        same_stage = other_stage is None or (stage is None and other_stage not in stages.SAMPLING) or other_stage == stage
        if claim.others or not same_stage or (fact.stage in stages.SAMPLING) != (stage in stages.SAMPLING):
            continue
        if fact.kind == "quoted" and any(rival != value for rival in claim.rivals):
            return True
        same_kind = fact.unit == unit and (fact.context == context or None in (fact.context, context))
        if fact.kind != "quoted" and fact.value != value and same_kind:
            return True
    return False


def _merged(found: Iterable[tuple[Fact, bool]]) -> list[Entry]:
    """One entry for each value of each context, the paper's own account first."""
    entries: dict[tuple[object, ...], Entry] = {}
    for fact, others in sorted(found, key=lambda each: each[1]):
        key = (fact.value, fact.unit, (fact.context or "").lower())
        if key not in entries:
            entries[key] = Entry(fact, others)
        elif fact.section != entries[key].fact.section:
            entries[key].add(fact)
    return sorted(entries.values(), key=lambda entry: entry.others)


def _names(found: list[tuple[Fact, bool]]) -> list[Entry]:
    """One entry for each name, the most frequent first; training data comes before other data."""
    entries: dict[str, Entry] = {}
    for fact, others in sorted(found, key=lambda each: (each[1], _role_rank(each[0]))):
        key = str(fact.value).lower().replace(" ", "-")
        if key in entries:
            entries[key].add(fact)
        else:
            entries[key] = Entry(fact, others)
    return sorted(entries.values(), key=lambda entry: (entry.others, _role_rank(entry.fact), -entry.times))


def _role_rank(fact: Fact) -> int:
    return {"training": 0, "training and evaluation": 1, None: 2}.get(fact.context, 3) if fact.name == "dataset" else 0
