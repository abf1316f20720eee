"""The recipe of a made-up page through the command's own code, without a network: the page is handed over, the Hub is down."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Iterable
from typing import Any
from unittest import mock

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import Unavailable
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.papers import crawl_arxiv
from ml_intern_helpers.web.response import Response
from ml_intern_helpers.web.services import HUB, Service
from support.pages import PAPER, page, para, section


class _Pages:
    """A network that has one page and no Hub."""

    def __init__(self, body: str | bytes) -> None:
        self.body = body.encode() if isinstance(body, str) else body

    def get(self, service: Service, path: str, params: object = None) -> Response:
        if service is HUB:
            raise Unavailable("the Hub is down", hint="later")
        return Response(200, f"https://arxiv.org{path}", {"content-type": "text/html"}, self.body, 0.0, False, service)

    def together(self, calls: Iterable[Callable[[], Any]]) -> list[Any]:
        return [Unavailable("the Hub is down", hint="later") for _ in calls]


class _Context(Context):
    def __init__(self, body: str | bytes) -> None:
        super().__init__(offline=True)
        self.__dict__["http"] = _Pages(body)


def report_of(body: str | bytes, *, full: bool = True, paper: str = PAPER) -> Report:
    """What `crawl_arxiv` reports on the recipe of a page."""
    parser = ArgumentParser()
    crawl_arxiv.add_arguments(parser)
    arguments = parser.parse_args(["--recipe", paper, *(["--full"] if full else [])])
    with mock.patch.dict("os.environ", {"ML_INTERN_CACHE": "/dev/null/no-cache"}):
        return crawl_arxiv.run(arguments, _Context(body))


def recipe_of(body: str | bytes, *, full: bool = True, paper: str = PAPER) -> dict[str, Any]:
    """The recipe that a page states."""
    return dict(report_of(body, full=full, paper=paper).fields["recipe"])


def recipe_of_sentence(sentence: str, title: str = "Setup") -> dict[str, Any]:
    """The recipe of a paper that says this one thing."""
    return recipe_of(page(section("4", title, para(sentence))))


def text_of(body: str | bytes) -> str:
    """What the command prints about a page."""
    return crawl_arxiv.render(report_of(body, full=False))
