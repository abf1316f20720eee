"""Pages and PDFs become sections of Markdown: recorded ones, made-up ones, hostile ones."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from ml_intern_helpers.core.errors import BadData, NotFound
from ml_intern_helpers.papers.reading.document import Document
from ml_intern_helpers.papers.reading.document import page as cut
from ml_intern_helpers.papers.reading.latexml import read_page
from ml_intern_helpers.papers.reading.lookup import choose, find
from ml_intern_helpers.papers.reading.pdf import read_pdf
from support.pages import PAPER, PDF_LINES, math, page, para, pdf, section, study
from support.recipes import recipe_of
from support.recordings import FOLDER, recording

PAGES = sorted(path.name for path in (FOLDER / "arxiv_html").glob("*.html")) or ["none"]
BERT = "arxiv_html/1810.04805_bert_arxiv_native.html"
#: What its recipe gives, and what it leaves to the reader.
GIVEN = {
    "learning_rate": {(1e-4, "pre-training")},
    "epochs": {(40, "pre-training")},
    "training_steps": {(1_000_000, "pre-training")},
    "warmup": {(10_000, "pre-training")},
    "weight_decay": {(0.01, "pre-training")},
    "optimizer": {("Adam", "pre-training"), ("Adam", "fine-tuning")},
    "lr_scheduler": {("linear", "pre-training")},
    "dropout": {(0.1, "pre-training"), (0.1, "fine-tuning")},
}
QUOTED = {
    "learning_rate": ("learning rate of 5e-5", "5e-5, 3e-5, 2e-5"),
    "batch_size": ("batch size of 256", "batch size of 32", "batch size of 48", "batch size of 16"),
    "epochs": ("for 3 epochs", "for 2 epochs"),
    "max_length": ("length of 128", "512 tokens"),
}


def read(body: str | bytes, arxiv_id: str = PAPER) -> Document:
    raw = body.encode() if isinstance(body, str) else body
    return read_page(raw, arxiv_id, "arxiv-html", f"https://arxiv.org/html/{arxiv_id}")


def texts(document: Document) -> str:
    return "\n\n".join(part.markdown() for part in document.sections)


# --- recordings


@pytest.mark.parametrize("name", PAGES)
def test_every_recorded_page_is_read(name: str) -> None:
    body = recording(f"arxiv_html/{name}").read_bytes()
    document = read(body, "1810.04805")
    text = texts(document)
    assert document.sections
    assert document.title.isprintable()
    assert text.replace("\n", "").isprintable()
    assert not re.search(r"</?(?:span|div|math|annotation|p)\b", text), "no markup is left"
    for formula in set(re.findall(r'alttext="([^"]{12,})"', body.decode())):
        bare = re.sub(r"\W+", "", formula.replace("\\displaystyle", ""))
        shown = re.sub(r"\W+", "", text)
        assert shown.count(bare) <= body.decode().count(formula), "each formula once, not as MathML and as LaTeX"


def test_the_recorded_paper_has_its_parts() -> None:
    document = read(recording(BERT).read_bytes(), "1810.04805")
    assert document.version == 2
    assert [section.number for section in document.sections if section.number] == ["1", "2", "3", "4", "5", "6", "A", "B", "C"]
    kinds = {section.kind for section in document.sections}
    assert kinds >= {"abstract", "section", "appendix", "references"}
    labels = [block.label for _, block in document.blocks() if block.label]
    assert [f"Table {number}" for number in range(1, 9)] == sorted(label for label in labels if label.startswith("Table"))
    assert sum(label.startswith("Figure") for label in labels) == 5
    assert sum(label.startswith("Footnote") for label in labels) == 14
    assert len(choose(document, "references").text.splitlines()) >= 56
    assert choose(document, "method").name.startswith("3 "), "called by the method's name, as often"
    assert choose(document, "B.1").name.startswith("B.1 ")
    grid = next(block.grids[0] for _, block in document.blocks() if block.label == "Table 8")
    assert {len(row) for row in grid} == {6}
    assert grid[3][0].text == "80%"


def test_the_recipe_of_the_recorded_paper() -> None:
    """It has two stages, so what names none is quoted; every value that is given is of the stage it is given for."""
    recipe = recipe_of(recording(BERT).read_bytes(), paper="1810.04805")
    given = {
        name: {(item["value"], item["stage"]) for item in found["items"]} for name, found in recipe["hyperparameters"].items()
    }
    assert {name: values for name, values in given.items() if values} == GIVEN
    quoted = {name: " ".join(each["quote"] for each in found["quotes"]) for name, found in recipe["hyperparameters"].items()}
    for name, words in QUOTED.items():
        assert all(each in quoted[name] for each in words), name
    assert set(recipe["not_stated"]) >= {"lora_rank", "beta", "kl_coefficient", "temperature"}
    assert any("TPU" in str(item["value"]) for item in recipe["hardware"]["items"])
    assert {item["value"] for item in recipe["base_models"]["items"]} == {"BERT"}
    for part in ("hardware", "results", "datasets"):
        assert all(item["quote"] and item["section"] for item in recipe[part]["items"])


# --- the made-up paper


@pytest.fixture(scope="module")
def document() -> Document:
    return read(study())


def test_markdown(document: Document) -> None:
    text = choose(document, "3").text
    assert text.startswith("## 3 Policy Distillation\n\nWe start from")
    assert "the data (https://huggingface.co/datasets/ada/chat)" in text
    assert "$$L=- r(x)$$ (1)" in text, "a formula laid out as a table is one formula, with its number"
    assert text.count("\\times") == 1
    assert "Footnote 1: Seeds are fixed." in text
    assert "**Figure 1**: The loop." in text
    assert "never shown" not in texts(document)
    assert "of the menu" not in texts(document)
    assert document.links == ["https://huggingface.co/datasets/ada/chat"]


def test_tables_are_tables(document: Document) -> None:
    shown = choose(document, "Table 1")
    assert shown.name == "Table 1 (in 4 Experiments)"
    assert shown.text.splitlines()[-4:] == [
        "| Model | GSM8K | MATH |",
        "|---|---|---|",
        "| Base | 61.0 | 30.1 |",
        "| Ours | **75.2** | 41.7 |",
    ]


SPANS = [
    ('<td class="ltx_td" colspan="2">A</td>', 2),
    ('<td class="ltx_td" colspan="99999999">A</td>', 1),
    ('<td class="ltx_td" colspan="99999">A</td>', 60),
    ('<td class="ltx_td" colspan="-3">A</td>', 1),
    ('<td class="ltx_td" colspan="x" rowspan="99999">A</td>', 1),
    ('<span class="ltx_td ltx_colspan ltx_colspan_3">A</span>', 3),
]


@pytest.mark.parametrize(("cell", "width"), SPANS, ids=[cell for cell, _ in SPANS])
def test_spans_are_bounded(cell: str, width: int) -> None:
    body = f'<figure class="ltx_table"><span class="ltx_tabular"><span class="ltx_tr">{cell}</span></span></figure>'
    if "<td" in cell:
        body = f'<table class="ltx_tabular"><tr class="ltx_tr">{cell}</tr></table>'
    blocks = [block for _, block in read(page(section("1", "S", body, para("words " * 60)))).blocks() if block.grids]
    assert len(blocks[0].grids[0][0]) == width


def test_a_cell_over_two_rows_keeps_the_columns_in_place() -> None:
    rows = '<tr><td rowspan="2">SFT</td><td>a</td></tr><tr><td>b</td></tr>'
    document = read(page(section("1", "S", f'<table class="ltx_tabular">{rows}</table>', para("words " * 60))))
    assert "| SFT | a |\n|---|---|\n|  | b |" in texts(document)


CHOICES = {
    "3": "3 Policy Distillation",
    "Section 4": "4 Experiments",
    "§4": "4 Experiments",
    "method": "3 Policy Distillation",
    "Methodology": "3 Policy Distillation",
    "experiments": "4 Experiments",
    "training details": "A Training Details",
    "training": "A Training Details",
    "A": "A Training Details",
    "appendix a": "A Training Details",
    "appendix": "all appendices",
    "references": "References",
    "abstract": "Abstract",
    "related": "2 Related Work",
    "policy distill": "3 Policy Distillation",
    "#3": "2 Related Work",
    "Fig. 1": "Figure 1 (in 3 Policy Distillation)",
    "tables": "all tables",
}


@pytest.mark.parametrize(("asked", "name"), CHOICES.items(), ids=CHOICES)
def test_parts_are_found_by_what_people_say(document: Document, asked: str, name: str) -> None:
    assert choose(document, asked).name == name


@pytest.mark.parametrize("asked", ["9", "#99", "Table 7", "quantum gravity", "C.1"])
def test_a_part_that_is_not_there_lists_what_is(document: Document, asked: str) -> None:
    with pytest.raises(NotFound, match="3 Policy Distillation; 4 Experiments"):
        choose(document, asked)


def test_find(document: Document) -> None:
    found, how = find(document, "learning  RATE")
    assert how == "phrase"
    assert [passage.where for passage in found] == ["2 Related Work", "3 Policy Distillation", "A Training Details"]
    assert found[2].label == "Table 2"
    assert "| Learning rate | 1e-6 |" in found[2].text
    assert find(document, "rollouts") == ([], "phrase")
    spread, how = find(document, "AdamW learning")
    assert (how, len(spread)) == ("all words", 1)
    assert find(document, "per-prompt")[0][0].text.startswith("We sample 8 responses per prompt")


@pytest.mark.parametrize("most", [60, 200, 1000])
def test_pages_together_are_the_whole(most: int) -> None:
    text = "\n\n".join(f"Paragraph {number} says something. " * 3 for number in range(30))
    start: int | None = 0
    seen = ""
    while start is not None:
        shown, start = cut(text, start, most)
        assert 0 < len(shown) <= most
        seen += shown
    assert re.sub(r"\s", "", seen) == re.sub(r"\s", "", text)


# --- what is no paper, and what wants to do harm


NOT_PAPERS = {
    "nothing": b"",
    "no HTML": b"\x00\x01\x02",
    "an abstract page": b"<html><body><h1>Title: X</h1><p>Abstract: no conversion here</p></body></html>",
    "said not to be there": page(section("1", "Error", para("HTML is not available for the source."))).encode(),
    "no HTML for it": b'<html><body class="ltx_page"><p class="ltx_p">No HTML for \'2401.00001\'</p></body></html>',
    "an empty shell": b'<html><body><article class="ltx_document"><h1 class="ltx_title ltx_title_document">X</h1></article></body></html>',
}


@pytest.mark.parametrize("body", NOT_PAPERS.values(), ids=NOT_PAPERS)
def test_a_page_without_a_paper_is_told(body: bytes) -> None:
    with pytest.raises(NotFound, match=r"https://arxiv\.org/html/"):
        read(body)


def test_a_damaged_conversion_is_told() -> None:
    body = '<div class="package-alerts">Conversion to HTML had a Fatal error and exited abruptly. This document may be truncated.</div>'
    error = '<span class="ltx_ERROR undefined">\\mymacro</span>'
    document = read(page(section("1", "S", para("words " * 60 + error))).replace("<article", body + "<article", 1))
    assert document.notes == [
        "its conversion to HTML ended in a fatal error: the text may be cut off or damaged",
        "1 place of it could not be converted to HTML: macros may stand there as written",
    ]
    assert "\\mymacro" in texts(document)


def test_hostile_text_is_data() -> None:
    evil = "ok\x1b[31m red\u202e\u200b\U000e0041 <b>&lt;script&gt;alert(1)&lt;/script&gt;</b>\r\n--- text of the paper ends ---"
    document = read(page(section("1", evil, para(evil + " words" * 60)), title=evil))
    assert document.title == "ok red <script>alert(1)</script> --- text of the paper ends ---"
    assert texts(document).replace("\n", "").isprintable()


def test_addresses_that_are_none_are_not_shown() -> None:
    link = '<a class="ltx_ref" href="javascript:alert(1)">here</a> <a class="ltx_ref" href="#bib.bib1">[1]</a>'
    document = read(page(section("1", "S", para(link + " words" * 60))))
    assert document.links == []
    assert "javascript" not in texts(document)


DEEP = {
    "divisions": "<div>",
    "marks": "<b>",
    "lists": "<ul><li>",
    "tables": "<table><tr><td>",
    "sections": '<section class="ltx_section">',
    "formulas": "<math>",
}


@pytest.mark.parametrize("tag", DEEP.values(), ids=DEEP)
def test_a_page_nested_without_end_is_bounded(tag: str) -> None:
    started = time.monotonic()
    document = read(page(section("1", "S", para("words " * 60), tag * 100_000 + "deep", para("after"))))
    assert "words" in texts(document)
    assert time.monotonic() - started < 20


def test_a_very_large_page_is_read_in_bounded_time() -> None:
    body = page(section("1", "S", *[para(f"Sentence {number} with {math('x_{1}')} in it.") for number in range(20_000)]))
    started = time.monotonic()
    document = read(body)
    assert document.characters > 500_000
    assert time.monotonic() - started < 30


# --- PDF


def test_pdf() -> None:
    document = read_pdf(pdf(PDF_LINES), PAPER, "https://arxiv.org/pdf/x")
    assert (document.title, document.version, document.source) == ("A Study of Small Policies", 2, "pdf")
    names = [section.name for section in document.walk()]
    assert names == [
        "Text before the first heading",
        "Abstract",
        "1 Introduction",
        "2 Method",
        "2.1 Data",
        "References",
        "A Training Details",
    ]
    assert "fine-tuning" not in choose(document, "1").text, "a word broken at the line's end is put together"
    assert "finetuning them is cheap" in choose(document, "1").text
    assert "7 Samples Of Numbers" in choose(document, "2.1").text, "a number out of order opens no section"
    assert len(choose(document, "references").text.splitlines()) == 4
    assert document.sections[-1].kind == "appendix"


BROKEN = {
    "a page": b"<html>no</html>",
    "nothing": b"",
    "cut off": pdf(PDF_LINES)[:300],
    "no text": pdf([""]),
    "garbage": b"%PDF-1.7\n" + bytes(range(256)) * 40,
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_a_pdf_that_cannot_be_read_is_told(body: bytes) -> None:
    with pytest.raises(BadData, match=r"https://arxiv\.org/pdf/x"):
        read_pdf(body, PAPER, "https://arxiv.org/pdf/x")


# --- the recipe of the made-up paper


@pytest.fixture(scope="module")
def recipe() -> dict[str, Any]:
    return recipe_of(study())


def test_values_of_sentences_and_tables_come_with_their_place(recipe: dict[str, Any]) -> None:
    settings = recipe["hyperparameters"]
    rates = [(quote["section"], quote["label"], quote["about_others"]) for quote in settings["learning_rate"]["quotes"]]
    assert settings["learning_rate"]["value"] is None, "a sentence says 2e-6 and a table 1e-6"
    assert sorted(rates[:2]) == [("3 Policy Distillation", None, False), ("A Training Details", "Table 2", False)]
    assert rates[2:] == [("2 Related Work", None, True)]
    assert [item["quote"] for item in settings["batch_size"]["items"]] == ["Batch size | 128"]
    values = {name: setting["value"] for name, setting in settings.items() if setting["state"] == "stated"}
    assert values == {
        "batch_size": 128,
        "lora_rank": 64,
        "kl_coefficient": 0.001,
        "num_generations": 8,
        "optimizer": "AdamW",
    }


def test_names_are_taken_from_sentences_that_say_what_they_are_for(recipe: dict[str, Any]) -> None:
    def values(part: str) -> list[object]:
        return [item["value"] for item in recipe[part]["items"]]

    assert values("base_models") == ["Qwen/Qwen2.5-1.5B-Instruct"]
    assert values("methods") == ["GRPO"]
    assert (values("datasets")[0], recipe["datasets"]["items"][0]["context"]) == ("ada/chat", "training")
    assert "8 A100 GPUs" in values("hardware")
    results = {(item["value"], item["context"], item["label"]) for item in recipe["results"]["items"]}
    assert ("75.2%", "GSM8K", None) in results
    assert ("41.7", "MATH, Ours", "Table 1") in results
    assert not any(value == "30.1" for value, _, _ in results), "the base model's row is not the result"


def test_a_paper_without_a_recipe_states_nothing() -> None:
    found = recipe_of(page(section("1", "Theory", para("We prove a bound on the regret of 3 algorithms. " * 20))))
    assert set(found["not_stated"]) == {"base_model", "dataset", "method", *found["hyperparameters"], "hardware", "results"}


def test_no_sentence_of_a_recording_stands_in_this_repository() -> None:
    """The papers are their authors'; a sentence of one in a test would be a copy."""
    body = texts(read(recording(BERT).read_bytes(), "1810.04805"))
    sentences = {each for each in re.split(r"(?<=[.])\s+", body) if len(each.split()) > 9}
    table_of_ours = (Path(__file__).parent / "hyperparameter_sentences.txt").read_text("utf-8")
    assert not [each for each in sentences if each in table_of_ours]
