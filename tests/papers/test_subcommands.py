"""The subcommands of crawl_arxiv and their older spellings ask for the same; a query may begin with the name of a subcommand."""

from __future__ import annotations

import shlex

import pytest

from ml_intern_helpers.cli import commands
from ml_intern_helpers.papers import crawl_arxiv
from support.loopback import Loopback
from support.papers import Run, answer, s2_edge, s2_graph, s2_paper, urls


def parsed(line: str) -> dict[str, object]:
    return vars(commands.parse("crawl_arxiv", crawl_arxiv, shlex.split(line)))


@pytest.mark.parametrize(
    ("subcommand", "older"),
    [
        ("search lora dora --since 2024 --category cs.CL", "lora dora --since 2024 --category cs.CL"),
        ("search 'ti:lora' --sort submitted --json", "'ti:lora' --sort submitted --json"),
        ("search 2305.18290 --full --bibtex x.bib", "2305.18290 --full --bibtex x.bib"),
        ("search --id 2305.18290", "--id 2305.18290"),
        ("trending --limit 5", "--trending --limit 5"),
        ("cited-by 2305.18290 --influential --find outperform", "--cited-by 2305.18290 --influential --find outperform"),
        ("cited-by 2305.18290 --scan 50", "--citations 2305.18290 --scan 50"),
        ("refs 2305.18290 --start 10", "--refs 2305.18290 --start 10"),
        ("graph 2305.18290 --hops 1 --html g.html --force", "--graph 2305.18290 --hops 1 --html g.html --force"),
        ("--offline --json graph 2305.18290", "--graph 2305.18290 --offline --json"),
        ("read 2305.18290 --section 3 --chars 900 --start 7", "--read 2305.18290 --section 3 --chars 900 --start 7"),
        ("recipe 2305.18290 --full", "--recipe 2305.18290 --full"),
        ("notes", "--notes"),
        ("notes beta gamma --limit 3", "--notes 'beta gamma' --limit 3"),
        ("notes add 2305.18290 'a b' --quote q --place p", "--note 2305.18290 'a b' --quote q --place p"),
        ("notes forget 3", "--forget 3"),
    ],
)
def test_both_spellings_ask_for_the_same(subcommand: str, older: str) -> None:
    assert parsed(subcommand) == parsed(older)


@pytest.mark.parametrize(
    ("line", "query"),
    [
        ("'graph neural networks'", ["graph neural networks"]),
        ("search graph neural networks", ["graph", "neural", "networks"]),
        ("search search", ["search"]),
        ("'notes add'", ["notes add"]),
        ("--since 2024 read", ["read"]),
    ],
)
def test_a_query_may_begin_with_the_name_of_a_subcommand(line: str, query: list[str]) -> None:
    args = parsed(line)
    assert args["query"] == query
    assert not any(args[name] for name in ("graph", "read", "note", "notes"))


@pytest.mark.parametrize("words", [["graph", "neural"], ["graph", "neural", "networks"], ["read", "papers", "fast"]])
def test_words_after_a_subcommand_that_takes_an_id_name_the_search(helper: Run, words: list[str]) -> None:
    outcome = helper("crawl_arxiv", *words)
    assert outcome.code == 2
    assert "crawl_arxiv search" in outcome.stderr


@pytest.mark.parametrize("name", crawl_arxiv.SUBCOMMANDS)
def test_each_subcommand_has_its_help(helper: Run, name: str) -> None:
    outcome = helper("crawl_arxiv", *name.split(), "--help")
    assert outcome.code == 0
    assert outcome.stdout.startswith(f"usage: crawl_arxiv {name} ")
    assert outcome.stdout.count(f"\n  crawl_arxiv {name} ") + outcome.stdout.count(f"\n  crawl_arxiv {name}\n") >= 2
    assert name.split()[0] in helper("crawl_arxiv", "--help").stdout


@pytest.mark.parametrize(
    "words",
    [
        "search lora --find x",
        "graph 2305.18290 --since 2024",
        "read 2305.18290 --full",
        "notes add 2305.18290",
        "trending --sort x",
    ],
)
def test_an_option_of_another_subcommand_is_refused_with_the_way_to_the_help(helper: Run, words: str) -> None:
    outcome = helper("crawl_arxiv", *words.split())
    assert outcome.code == 2
    assert f"see `crawl_arxiv {words.split()[0]}" in outcome.stderr


def test_the_answers_are_the_same(service: Loopback, helper: Run) -> None:
    s2_graph(service, [s2_edge(s2_paper("One")), s2_edge(s2_paper("Two"), influential=True)])
    new, old = (
        answer(helper("crawl_arxiv", *line.split(), "--json", **urls(service)))
        for line in ("cited-by 2106.09685 --limit 1", "--cited-by 2106.09685 --limit 1")
    )
    assert [paper["title"] for paper in new["papers"]] == ["Two"]
    for found in (new, old):
        found.pop("sources")  # the second answer is a stored one
    assert new == old
