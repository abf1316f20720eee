"""Sentences that no pattern was written for: how many of their values are found, and that none is wrong."""

from __future__ import annotations

from pathlib import Path

from ml_intern_helpers.papers.recipe.hyper import from_sentence
from ml_intern_helpers.papers.recipe.plain_text import canonical
from ml_intern_helpers.papers.recipe.sentences import Sentence

ROWS = [
    line.split(" => ")
    for line in (Path(__file__).parent / "held_out_sentences.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]
#: What is found of what is stated, at least.
RECALL = 0.85


def _shown(value: object) -> str:
    if value is None:
        return "none"
    try:
        return canonical(float(value))  # type: ignore[arg-type]
    except ValueError:
        return str(value)


def _expected(text: str) -> set[tuple[str, str]]:
    named = [] if text == "?" else [part.split(": ") for part in text.split(" & ")]
    return {(name, _shown(value)) for name, values in named for value in values.split(", ")}


def _found(text: str) -> set[tuple[str, str]]:
    return {(fact.name, _shown(fact.value)) for fact in from_sentence(Sentence(text, f"LoRA. {text}", "4 Setup", False))}


def test_held_out_sentences() -> None:
    wrong, missed, all_of_them = [], [], 0
    for text, expected in ROWS:
        wanted, got = _expected(expected), _found(text)
        all_of_them += len(wanted)
        wrong += [(text, *fact) for fact in sorted(got - wanted)]
        missed += [(text, *fact) for fact in sorted(wanted - got)]
    print(*wrong, *missed, sep="\n")
    assert len(ROWS) >= 50
    assert not wrong, "a wrong value costs a training run"
    assert 1 - len(missed) / all_of_them >= RECALL, missed
