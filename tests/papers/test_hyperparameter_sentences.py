"""Every hyper-parameter in twenty and more spellings: the right value, or "not stated"."""

from __future__ import annotations

import re
import time
from collections import Counter
from pathlib import Path

import pytest

from ml_intern_helpers.papers.recipe.choices import CHOICES
from ml_intern_helpers.papers.recipe.extract import HYPERPARAMETERS, _of_sentence
from ml_intern_helpers.papers.recipe.facts import Fact
from ml_intern_helpers.papers.recipe.hyper import from_sentence
from ml_intern_helpers.papers.recipe.plain_text import canonical
from ml_intern_helpers.papers.recipe.sentences import LONGEST, Sentence

TABLE = (Path(__file__).parent / "hyperparameter_sentences.txt").read_text("utf-8")
#: Units that a row of the table writes; the others (tokens of a length) go without saying.
TOLD = {"warmup": ("steps", "ratio", "epochs"), "batch_size": ("tokens", "prompts")}


def rows() -> list[tuple[str, str, str]]:
    found, name = [], ""
    for line in TABLE.splitlines():
        if line.startswith("["):
            name = line.strip("[]")
        elif line and not line.startswith("#"):
            sentence, _, expected = line.partition(" => ")
            found.append((name, sentence, expected))
    return found


ROWS = rows()


def told(fact: Fact) -> str:
    """A fact as the table writes it."""
    if fact.kind == "none":
        return "none"
    value = canonical(fact.value) if isinstance(fact.value, (int, float)) else str(fact.value)
    unit = fact.unit if fact.unit in TOLD.get(fact.name, ()) else None
    named = fact.name in ("batch_size", "max_length") and re.fullmatch(r"[\w-]+", fact.context or "") and fact.context
    return " ".join(part for part in (value, unit, named) if part)


def stated(name: str, sentence: str) -> list[str]:
    facts = [fact for fact in from_sentence(Sentence(sentence, sentence, "4 Setup", False)) if fact.name == name]
    return list(dict.fromkeys(told(fact) for fact in facts))


@pytest.mark.parametrize(("name", "sentence", "expected"), ROWS, ids=[f"{name}: {sentence}" for name, sentence, _ in ROWS])
def test_value_or_not_stated(name: str, sentence: str, expected: str) -> None:
    wanted = [] if expected == "?" else [_plain(each) for each in expected.split(", ")]
    assert stated(name, sentence) == wanted


def _plain(expected: str) -> str:
    """`1e-3` and `0.001` are one value."""
    value, _, rest = expected.partition(" ")
    try:
        value = canonical(float(value))
    except ValueError:
        return expected
    return f"{value} {rest}".strip()


def test_twenty_sentences_for_each_parameter() -> None:
    counts = Counter(name for name, _, _ in ROWS)
    assert counts.keys() == set(HYPERPARAMETERS)
    assert min(counts.values()) >= 20, counts
    silent = Counter(name for name, _, expected in ROWS if expected == "?")
    assert {choice.name for choice in CHOICES} <= silent.keys()
    assert min(silent[name] for name in HYPERPARAMETERS) >= 2


def test_every_value_stands_in_its_quote() -> None:
    """Long sentences are cut for the quote, never so that the value is lost."""
    for _, sentence, _expected in ROWS[::4]:
        long = "This is said first, at some length. " * 20 + sentence.rstrip(".") + ", which very many more words follow" * 12
        for fact in from_sentence(Sentence(long, sentence, "4 Setup", False)):
            assert len(fact.quote) < 420
            assert fact.as_written in fact.quote, (sentence, fact.quote)


REPEATED = [
    *(
        "train ",
        "train_",
        "η ",
        "β, ",
        "(",
        "(a) ",
        "max_",
        "number of ",
        "linear ",
        "learning rate, ",
        "KL penalty ",
        "per device ",
        "A",
        "Aa ",
    ),
    *(
        "1,",
        "1.",
        "10^",
        "$",
        "{",
        "a ",
        "response_",
        "8 A100 ",
        "Qwen-",
        "Llama 3 ",
        "a/",
        "we use ",
        ", ",
        "0.1 ",
        "1e-5, ",
        "set ",
        "set to ",
    ),
    *(
        "warm up ",
        "cosine ",
        "- ",
        "\\text{",
        "accuracy ",
        "12.3% on ",
        "from 1 to 2 ",
        "no ",
        "LoRA r=8 ",
        "took ",
        "for each question, we sample ",
        "For a, ",
        "for A and B, ",
        "for stage 1 and 2 ",
        "steps for a and 3 ",
        "SFT and DPO, ",
        "clip the gradients ",
    ),
]


@pytest.mark.parametrize("words", REPEATED)
@pytest.mark.parametrize("head", ["", "The learning rate ", "We warm up the batch size "], ids=["alone", "rate", "size"])
def test_no_sentence_takes_for_ever(words: str, head: str) -> None:
    """Patterns with choices in loops once took minutes on `train train train …`."""
    sentence = head + (words * LONGEST)[:LONGEST] + " 0.5 hats!"
    started = time.process_time()
    list(_of_sentence(Sentence(sentence, sentence, "x", False)))
    assert time.process_time() - started < 5
