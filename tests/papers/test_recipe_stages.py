"""Papers of several stages state every setting several times: each value keeps the stage, the column, the clause it was said for."""

from __future__ import annotations

import pytest

from ml_intern_helpers.papers.reading.latexml import read_page
from ml_intern_helpers.papers.recipe import extract as extraction
from ml_intern_helpers.papers.recipe.extract import Entry, extract
from support.pages import PAPER, page, para, section, table


def stated(name: str, *parts: str) -> list[Entry]:
    body = page(section("1", "Introduction", para("Words. " * 60)), *parts)
    return extract(read_page(body.encode(), PAPER, "arxiv-html", "u")).hyperparameters[name]


def staged(name: str, *parts: str) -> list[tuple[object, str | None]]:
    return [(entry.fact.value, entry.fact.stage) for entry in stated(name, *parts)]


SENTENCES = {
    "each clause its own": (
        "We pre-train on the captions with a learning rate of 1e-3, and fine-tune on the dialogues with a learning rate of 2e-5.",
        [(1e-3, "pre-training"), (2e-5, "fine-tuning")],
    ),
    "the phrase behind a value": (
        "The learning rate is 2e-5 for SFT and 5e-7 for DPO.",
        [(2e-5, "SFT"), (5e-7, "DPO")],
    ),
    "respectively": ("Learning rates of 2e-5 and 5e-7 are used for SFT and DPO, respectively.", [(2e-5, "SFT"), (5e-7, "DPO")]),
    "what it starts from is not its stage": (
        "Starting from the SFT model, we run DPO at a learning rate of 5e-7.",
        [(5e-7, "DPO")],
    ),
    "what it is compared with is not its stage": ("Unlike DPO, our loss needs a learning rate of 5e-6.", [(5e-6, None)]),
    "a pre-trained model is no pre-training": ("The pre-trained model is updated with a learning rate of 1e-4.", [(1e-4, None)]),
    "a data set's name is no method": ("On DAPO-Math-17k, the learning rate is 1e-6.", [(1e-6, None)]),
    "the reward model": ("We train our reward model with a learning rate of 9e-6.", [(9e-6, "reward model")]),
    "rewards of a reward model are not its training": (
        "Rewards come from a reward model; the learning rate is 1e-6.",
        [(1e-6, None)],
    ),
    "two stages at once": ("SFT and DPO models share a learning rate of 1e-6.", [(1e-6, "SFT, DPO")]),
    "evaluation is no stage of a rate": ("We evaluate every 50 steps and use a learning rate of 1e-6.", [(1e-6, None)]),
    "the sentence before": ("We align the model with KTO. The learning rate is 5e-6.", [(5e-6, "KTO")]),
    "a bold opening": (
        '<span class="ltx_text ltx_font_bold">Reward modeling.</span> The learning rate is 9e-6.',
        [(9e-6, "reward model")],
    ),
}


@pytest.mark.parametrize(("text", "expected"), SENTENCES.values(), ids=SENTENCES)
def test_stage_of_a_sentence(text: str, expected: list[tuple[float, str | None]]) -> None:
    assert staged("learning_rate", section("2", "Setup", para(text))) == expected


def test_headings_tell_the_stage_the_innermost_first() -> None:
    inner = section("4.1", "Reward Model", para("The learning rate is 9e-6."), kind="subsection")
    outer = section("4", "RLHF Details", para("The learning rate is 1e-6."), inner)
    assert staged("learning_rate", outer) == [(1e-6, "RL"), (9e-6, "reward model")]


def test_a_temperature_of_the_evaluation_is_no_temperature_of_training() -> None:
    text = "Rollouts are sampled with a temperature of 1.0. For evaluation, we set the temperature to 0.6."
    assert staged("temperature", section("3", "Setup", para(text))) == [(1, "rollout"), (0.6, "evaluation")]


def test_the_same_value_of_two_stages_is_two_values() -> None:
    parts = [section("2", "SFT", para("The batch size is 64.")), section("3", "DPO", para("The batch size is 64."))]
    assert staged("batch_size", *parts) == [(64, "SFT"), (64, "DPO")]


CONTEXTS = {
    "what the clause opens with": ("For our 6B model, we use a learning rate of 1e-5.", [(1e-5, "for our 6B model")]),
    "empty openings": ("For simplicity, we use a learning rate of 1e-5.", [(1e-5, None)]),
    "names behind a list": (
        "The learning rates of the 1B, 7B and 70B models are 3e-5, 2e-5 and 1e-5.",
        [(3e-5, "for 1B model"), (2e-5, "for 7B model"), (1e-5, "for 70B model")],
    ),
    "sizes and rates pair off": (
        "The learning rates for the 1B, 7B and 70B models are 3e-5, 2e-5 and 1e-5.",
        [(3e-5, "for 1B model"), (2e-5, "for 7B model"), (1e-5, "for 70B model")],
    ),
    "iterations": (
        "The learning rate is 5e-7 for iterations 0 and 1, and 1e-7 for iterations 2 and 3.",
        [(5e-7, "for iterations 0 and 1"), (1e-7, "for iterations 2 and 3")],
    ),
    "both ends of a schedule": (
        "A cosine learning rate schedule is used, starting at 5e-5 and gradually decreasing to 5e-6.",
        [(5e-5, "start"), (5e-6, "final")],
    ),
}


@pytest.mark.parametrize(("text", "expected"), CONTEXTS.values(), ids=CONTEXTS)
def test_what_a_value_holds_for(text: str, expected: list[tuple[float, str | None]]) -> None:
    found = stated("learning_rate", section("2", "Setup", para(text)))
    assert [(entry.fact.value, entry.fact.context) for entry in found] == expected


def test_values_of_an_ablation_say_so_and_come_last() -> None:
    parts = [
        section("5", "Ablation Studies", para("With a batch size of 8 training diverges.")),
        section("6", "Setup", para("We use a batch size of 64.")),
    ]
    found = stated("batch_size", *parts)
    assert [(entry.fact.value, entry.fact.context) for entry in found] == [(64, None), (8, "in an ablation or analysis")]


# --- tables


def cells(*rows: str) -> str:
    """A table whose rows are written as HTML cells."""
    inner = "".join(f'<tr class="ltx_tr">{row}</tr>' for row in rows)
    head = '<figcaption class="ltx_caption"><span class="ltx_tag ltx_tag_table">Table 4: </span>Hyperparameters.</figcaption>'
    return f'<figure class="ltx_table"><table class="ltx_tabular"><tbody>{inner}</tbody></table>{head}</figure>'


def td(*texts: str) -> str:
    return "".join(f'<td class="ltx_td">{text}</td>' for text in texts)


def over(columns: int, text: str) -> str:
    return f'<td class="ltx_td" colspan="{columns}">{text}</td>'


def down(rows: int, text: str) -> str:
    return f'<td class="ltx_td" rowspan="{rows}">{text}</td>'


TABLES = {
    "a value over all columns holds for all": (
        [td("", "E2E", "WebNLG", "DART"), td("Learning rate") + over(3, "2e-4")],
        [(2e-4, None, None)],
    ),
    "a value over two of three columns names them": (
        [td("", "1B", "7B", "70B"), td("Learning rate") + over(2, "3e-4") + td("1e-4")],
        [(3e-4, "1B, 7B", None), (1e-4, "70B", None)],
    ),
    "two rows of heads": (
        [td("") + over(2, "SFT") + over(2, "DPO"), td("", "8B", "70B", "8B", "70B"), td("LR", "5e-6", "2e-6", "5e-7", "2e-7")],
        [(5e-6, "SFT, 8B", "SFT"), (2e-6, "SFT, 70B", "SFT"), (5e-7, "DPO, 8B", "DPO"), (2e-7, "DPO, 70B", "DPO")],
    ),
    "a row that heads a group": (
        [td("Hyperparameter", "Value"), over(2, "SFT"), td("LR", "1e-5"), over(2, "Reward model"), td("LR", "9e-6")],
        [(1e-5, "SFT", "SFT"), (9e-6, "Reward model", "reward model")],
    ),
    "a cell beside its group": (
        [
            down(2, "SFT") + td("Learning rate", "2e-5"),
            td("Epochs", "3"),
            down(2, "DPO") + td("Learning rate", "5e-7"),
            td("Epochs", "1"),
        ],
        [(2e-5, "SFT", "SFT"), (5e-7, "DPO", "DPO")],
    ),
    "stages in rows": (
        [
            td("Model", "Stage", "LR", "Epochs", "MT-Bench"),
            td("7B", "SFT", "2e-5", "3", "6.1"),
            td("7B", "DPO", "5e-7", "1", "7.3"),
        ],
        [(2e-5, "7B, SFT", "SFT"), (5e-7, "7B, DPO", "DPO")],
    ),
    "the stage in the name of the row": (
        [td("Parameter", "Value"), td("learning rate (SFT)", "1e-4"), td("learning rate (RL)", "5e-5")],
        [(1e-4, None, "SFT"), (5e-5, None, "RL")],
    ),
    "names of a trainer's arguments": (
        [td("Setting", "Value"), td("learning_rate", "1e-5"), td("batch_size", "64")],
        [(1e-5, None, None)],
    ),
}


@pytest.mark.parametrize(("rows", "expected"), TABLES.values(), ids=TABLES)
def test_tables_keep_what_a_value_holds_for(rows: list[str], expected: list[tuple[float, str | None, str | None]]) -> None:
    found = stated("learning_rate", section("2", "Setup", cells(*rows)))
    assert [(entry.fact.value, entry.fact.context, entry.fact.stage) for entry in found] == expected


NO_SETTINGS = {
    "statistics of data": [["", "Mean", "Std", "Max"], ["prompt length", "437", "441", "2048"]],
    "a confidence interval": [["Model", "Length"], ["ours", "95 CI low"]],
    "a length of no sequence": [["Demo length", "38"]],
}


@pytest.mark.parametrize("rows", NO_SETTINGS.values(), ids=NO_SETTINGS)
def test_tables_that_state_no_setting(rows: list[list[str]]) -> None:
    assert stated("max_length", section("2", "Setup", table("Table 1", "Lengths.", rows))) == []


def test_a_table_of_latencies_states_no_batch_size() -> None:
    rows = [["Batch size", "1", "16"], ["Adapter", "19.8", "338.0"]]
    assert stated("batch_size", section("2", "Setup", table("Table 1", "Inference latency of one pass.", rows))) == []


def test_the_quote_of_a_table_is_a_row_of_it() -> None:
    rows = [["", "SFT", "DPO"], ["Learning rate", "2e-5", "5e-7"], ["Batch size", "128", "32"]]
    found = stated("learning_rate", section("2", "Setup", table("Table 1", "Settings.", rows)))
    assert {entry.fact.quote for entry in found} == {"Learning rate | 2e-5 | 5e-7"}


def test_a_listing_of_a_configuration() -> None:
    lines = [
        "learning_rate: 1.0e-6  # for the actor",
        "# learning_rate: 5e-6",
        "trainer.lr = 2e-6",
        "--learning_rate 3e-6",
        "name: run_7",
    ]
    listing = '<div class="ltx_listing">' + "".join(f'<div class="ltx_listingline">{line}</div>' for line in lines) + "</div>"
    found = stated("learning_rate", section("A", "Configuration", listing, kind="appendix"))
    assert [entry.fact.value for entry in found] == [1e-6, 2e-6, 3e-6], "what is commented out is not in use"
    assert found[0].fact.quote == "learning_rate: 1.0e-6 # for the actor"


def test_a_text_without_end_is_looked_at_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "MOST_CHARACTERS", 5_000)
    body = page(
        section("1", "Setup", para("The learning rate is 1e-5."), *[para("Words and words. " * 60)] * 9, para("We use 3 epochs."))
    )
    found = extract(read_page(body.encode(), PAPER, "arxiv-html", "u"))
    assert found.cut
    assert found.hyperparameters["learning_rate"]
    assert not found.hyperparameters["epochs"]
    assert not extract(
        read_page(page(section("1", "Setup", para("We use 3 epochs. " * 20))).encode(), PAPER, "arxiv-html", "u")
    ).cut
