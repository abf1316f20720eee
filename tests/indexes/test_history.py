"""What went when: the comparison itself, on surfaces of the test's own, then the shipped history and the curated hints."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ml_intern_helpers.indexes.from_source.history import Removal, Surface, announcements, removals
from ml_intern_helpers.indexes.libraries import PACKAGES, shipped_library, shipped_versions
from ml_intern_helpers.indexes.lookup import called, offered
from ml_intern_helpers.indexes.removed import HINTS, compared, removal, removals_of, what_became

LIBRARY = shipped_library()


def release(version: str, names: dict[str, str], **arguments: str) -> Surface:
    table = {f"p.{call}": frozenset(words.split()) for call, words in arguments.items()}
    return Surface("p", version, {module: frozenset(words.split()) for module, words in names.items()}, table, {})


def settled(*line: Surface, **announced: str) -> dict[str, Removal]:
    return removals(line, {old: {new} for old, new in announced.items()})


def test_moved_and_moved_away_again() -> None:
    found = settled(
        release("1", {"p": "Tool Other"}), release("2", {"p": "Other", "p.x": "Tool"}), release("3", {"p": "Other", "p.x": "Tool"}),
        release("4", {"p": "Other", "p.x": ""}),
    )  # fmt: skip
    assert found["p.Tool"] == Removal("p.Tool", "1", "2", None, None, "p.x.Tool", "3")


def test_moved_twice_is_followed() -> None:
    found = settled(release("1", {"p": "Tool"}), release("2", {"p": "", "p.x": "Tool"}), release("3", {"p": "", "p.y": "Tool"}))
    assert (found["p.Tool"].replacement, found["p.Tool"].why, found["p.Tool"].via) == ("p.y.Tool", "moved", "p.x.Tool")


@pytest.mark.parametrize("backwards", [False, True])
def test_a_module_moved_where_most_of_it_is_and_however_the_modules_are_listed(backwards: bool) -> None:
    """A package offers its modules as names, too: which of the two was told hung on the order of a set."""
    names = {"p": "old tools", "p.old": "tools", "p.old.tools": "Saw Axe Nail"}
    listed = dict(reversed(names.items())) if backwards else names
    newer = {"p": "tools", "p.tools": "Axe", "p.new.deep.tools": "Saw Nail Bolt"}
    found = settled(release("1", listed), release("2", newer))
    assert found["p.old.tools"] == Removal("p.old.tools", "1", "2", "p.new.deep.tools", "moved")
    gone = settled(release("1", listed), release("2", {"p": "tools", "p.tools": "Axe"}))
    assert gone["p.old.tools"].replacement is None, "the name alone says nothing"
    twins = settled(release("1", listed), release("2", {"p": "", "p.a.tools": "Saw Axe", "p.b.tools": "Saw Axe"}))
    assert twins["p.old.tools"].replacement is None, "one of two is a guess"


def test_a_module_that_moved_twice_is_followed() -> None:
    first, second, third = ({"p": "", f"p.{place}.tools": "Saw Axe"} for place in "abc")
    found = settled(release("1", first), release("2", second), release("3", third))["p.a.tools"]
    assert (found.replacement, found.via) == ("p.c.tools", "p.b.tools")


def test_what_comes_back_is_not_gone() -> None:
    assert settled(release("1", {"p": "Tool"}), release("2", {"p": ""}), release("3", {"p": "Tool"})) == {}


def test_an_announced_name_must_exist() -> None:
    old, new = release("1", {"p": "C"}, C="tokenizer x"), release("2", {"p": "C"}, C="processing_class x")
    assert settled(old, new, tokenizer="processing_class")["p.C.tokenizer"].replacement == "p.C.processing_class"
    assert settled(old, new, tokenizer="nowhere")["p.C.tokenizer"].replacement is None


def test_a_rename_is_only_likely() -> None:
    old, new = release("1", {"p": "C"}, C="max_tool_reponse x"), release("2", {"p": "C"}, C="max_tool_response x")
    assert settled(old, new)["p.C.max_tool_reponse"] == Removal(
        "p.C.max_tool_reponse", "1", "2", "p.C.max_tool_response", "renamed"
    )
    assert settled(old, release("2", {"p": "C"}, C="seed x"))["p.C.max_tool_reponse"].replacement is None


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ('warn("`a_b` is deprecated and "\n    "will be removed. Use `c_d` instead.")', ("a_b", "c_d")),
        ("`old` has been renamed to `new`.", ("old", "new")),
        ('@deprecate_kwarg("tokenizer", new_name="processing_class", version="5")', ("tokenizer", "processing_class")),
        ("`evaluation_strategy` is deprecated in favor of `eval_strategy`", ("evaluation_strategy", "eval_strategy")),
    ],
)
def test_announcements(text: str, pair: tuple[str, str]) -> None:
    assert pair in list(announcements(text))


def test_text_that_announces_nothing() -> None:
    assert list(announcements("`a` is deprecated. It does nothing.")) == []


def rows() -> Iterator[Removal]:
    for package in PACKAGES:
        yield from removals_of(package)


def test_the_newest_release_compared_is_the_shipped_one() -> None:
    assert {package: compared(package)[-1] for package in PACKAGES} == shipped_versions()
    assert compared("trl")[0].startswith("0.12")
    assert compared("transformers")[0].startswith("4.46")


def test_nothing_that_is_gone_is_there_and_every_replacement_is() -> None:
    found = list(rows())
    assert len(found) > 1000
    assert [row.name for row in found if offered(LIBRARY, row.name)] == []
    assert [(row.name, row.replacement) for row in found if row.replacement and not offered(LIBRARY, row.replacement)] == []


@pytest.mark.parametrize("name", sorted(HINTS))
def test_hint(name: str) -> None:
    """The name does not exist today, its call does where there is one, and what takes its place exists."""
    hint = HINTS[name]
    assert not offered(LIBRARY, name) or name.startswith("transformers.PreTrainedModel.from_pretrained.")
    if ".from_pretrained." not in name and name.count(".") > 1 and name.split(".")[-2][0].isupper():
        assert called(LIBRARY, name.rpartition(".")[0]) is not None
    assert not hint.use or offered(LIBRARY, hint.use)


FACTS = [
    ("trl.SFTConfig.max_seq_length", "0.20.0", "trl.SFTConfig.max_length"),
    ("trl.SFTConfig.evaluation_strategy", "4.57", None),
    ("trl.PPOTrainer", "0.29.1", None),
    ("trl.ORPOTrainer", "0.29.1", "trl.experimental.orpo.ORPOTrainer"),
    ("trl.DataCollatorForCompletionOnlyLM", "0.20.0", "trl.SFTConfig"),
    ("trl.setup_chat_format", "0.26.2", "trl.clone_chat_template"),
    ("transformers.TrainingArguments.warmup_ratio", "5", "transformers.TrainingArguments.warmup_steps"),
    ("transformers.Trainer.tokenizer", "5", "transformers.Trainer.processing_class"),
]


@pytest.mark.parametrize(("name", "since", "instead"), FACTS)
def test_known_removals(name: str, since: str, instead: str | None) -> None:
    became = what_became(LIBRARY, name)
    assert became is not None
    assert became.removal is not None
    if instead:
        assert became.replacement == instead
        assert became.removal.gone.startswith(since), became


def test_ppo_moved_and_went() -> None:
    """A thing moved twice, or moved and then dropped: both are said."""
    gone = removal("trl.PPOTrainer")
    assert gone is not None
    assert gone.via == "trl.experimental.ppo.PPOTrainer"
    assert gone.via_last is not None
    assert gone.replacement is None
