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
#: At most this many facts of one kind from one sentence.
MOST_OF_ONE = 40
#: Quotes of one parameter that are kept.
MOST_QUOTES = 20
#: Characters of running text that are read: the longest real papers have 400,000; a page of 40 MB would take minutes.
MOST_CHARACTERS = 2_000_000
#: Words in the headings of sections about other people's work.
_RELATED = ("related", "background", "preliminar", "reference")


@dataclass
class Entry:
    """One value or name, with the first occurrence that is not about other work (or else the first) and a count of all.

    Attributes:
        also: further sections that state it.
    """

    fact: Fact
    about_others: bool
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
        return {**raw, "times": self.times, "also_in": self.also, "about_others": self.about_others}


@dataclass
class Setting:
    """One hyper-parameter: the values stated without doubt, one for each stage, and the quotes of other claims, best first."""

    values: list[Entry] = field(default_factory=list)
    quotes: list[Claim] = field(default_factory=list)

    @property
    def state(self) -> str:
        return "stated" if self.values else "quoted" if self.quotes else "not stated"


@dataclass
class Recipe:
    """Everything found; `cut`: the text was longer than `MOST_CHARACTERS` and was not read to its end."""

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
        outcome = {"hardware": self.hardware, "results": self.results}
        return [name for name, entries in {**parts, **settings, **outcome}.items() if not entries]


def extract(document: Document) -> Recipe:
    """Every fact that the text states; nothing is inferred."""
    facts_by_name: dict[str, list[tuple[Fact, bool]]] = {}
    all_claims: list[Claim] = []
    consecutive_kinds: set[str] = set()
    characters_left = MOST_CHARACTERS
    for sentence in sentences(document):
        characters_left -= len(sentence.text)
        if characters_left < 0:
            break
        all_claims += claims(sentence)
        if not any(word in title.lower() for title in sentence.titles for word in _RELATED):
            consecutive_kinds |= stages.in_turn(sentence.reading.text)
        for reader in _READERS:
            for fact in islice(reader(sentence), MOST_OF_ONE):
                facts_by_name.setdefault(fact.name, []).append((fact, sentence.about_others))
    all_claims += from_tables(document)
    for fact in facts.from_tables(document):
        facts_by_name.setdefault(fact.name, []).append((fact, False))
    # The kinds of training that a sentence names as consecutive, that have settings, or that have a heading of their own.
    kinds = consecutive_kinds | {
        stages.group(claim.fact.stage) or ""
        for claim in all_claims
        if claim.fact.kind == "set" and claim.fact.stage and claim.fact.stage not in stages.SAMPLING
    }
    for section in document.walk():
        stage = stages.of_titles([section.title], "learning_rate")
        if stage and stage != "value model" and not any(word in section.title.lower() for word in _RELATED):
            kinds.add(stages.group(stage) or "")
    single_stage = len(kinds) < 2
    return Recipe(
        base_models=_names(facts_by_name.get("base_model", [])),
        datasets=_names(facts_by_name.get("dataset", [])),
        methods=_names(facts_by_name.get("method", [])),
        hyperparameters={
            name: judge_claims([claim for claim in all_claims if claim.fact.name == name], single_stage)
            for name in HYPERPARAMETERS
        },
        hardware=_merged(facts_by_name.get("hardware", [])),
        results=_merged(facts_by_name.get("result", [])),
        cut=characters_left < 0,
    )


def judge_claims(all_claims: list[Claim], single_stage: bool) -> Setting:
    """One parameter: its uncontradicted values, and quotes for the rest.

    A value counts only where its stage is known or the paper has a single stage.
    """
    claims_by_key: dict[tuple[str | None, str | None, str | None], list[Claim]] = {}
    for claim in all_claims:
        fact = claim.fact
        if fact.kind != "quoted" and not claim.about_others and (fact.stage or (single_stage and fact.name != "temperature")):
            stage = None if single_stage and fact.stage not in stages.SAMPLING else stages.group(fact.stage)
            claims_by_key.setdefault((stage, fact.context, fact.unit), []).append(claim)
    values = []
    for key, claims_of_key in claims_by_key.items():
        if len({claim.fact.value for claim in claims_of_key}) == 1 and not _contradicted(
            claims_of_key[0].fact.value, key, all_claims, single_stage
        ):
            entry = Entry(next((claim.fact for claim in claims_of_key if claim.fact.stage), claims_of_key[0].fact), False)
            for claim in claims_of_key[1:]:
                entry.add(claim.fact)
            values.append(entry)
    values.sort(key=lambda entry: entry.fact.stage in stages.SAMPLING)
    shown_quotes = {entry.fact.quote for entry in values}
    quotes: dict[str, Claim] = {}
    for claim in sorted(all_claims, key=lambda claim: -claim.score):
        if claim.score >= 0 and claim.fact.quote not in shown_quotes:
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
        if claim.about_others or not same_stage or (fact.stage in stages.SAMPLING) != (stage in stages.SAMPLING):
            continue
        if fact.kind == "quoted" and any(rival != value for rival in claim.rivals):
            return True
        same_kind = fact.unit == unit and (fact.context == context or None in (fact.context, context))
        if fact.kind != "quoted" and fact.value != value and same_kind:
            return True
    return False


def _merged(facts: Iterable[tuple[Fact, bool]]) -> list[Entry]:
    """One entry for each value and context; those about other work come last."""
    entries: dict[tuple[object, ...], Entry] = {}
    for fact, about_others in sorted(facts, key=lambda each: each[1]):
        key = (fact.value, fact.unit, (fact.context or "").lower())
        if key not in entries:
            entries[key] = Entry(fact, about_others)
        elif fact.section != entries[key].fact.section:
            entries[key].add(fact)
    return sorted(entries.values(), key=lambda entry: entry.about_others)


def _names(facts: list[tuple[Fact, bool]]) -> list[Entry]:
    """One entry for each name, the most frequent first; training data comes before other data."""
    entries: dict[str, Entry] = {}
    for fact, about_others in sorted(facts, key=lambda each: (each[1], _role_rank(each[0]))):
        key = str(fact.value).lower().replace(" ", "-")
        if key in entries:
            entries[key].add(fact)
        else:
            entries[key] = Entry(fact, about_others)
    return sorted(entries.values(), key=lambda entry: (entry.about_others, _role_rank(entry.fact), -entry.times))


def _role_rank(fact: Fact) -> int:
    return {"training": 0, "training and evaluation": 1, None: 2}.get(fact.context, 3) if fact.name == "dataset" else 0
