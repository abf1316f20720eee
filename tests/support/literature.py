"""A small literature on loopback: invented papers that cite each other, served as arXiv, the Hub and Semantic Scholar serve theirs.

field = Literature(service)                 # routes on a Loopback
run(..., **field.urls())
field.asked("/html/")                       # what was asked of it, in order
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from support.helpers import URL_VARIABLES
from support.loopback import Answer, Loopback, Request
from support.pages import html, page, para, section, table
from support.papers import entry, feed, hub_paper, s2_edge, s2_paper


def _day(months_ago: int) -> str:
    return (datetime.now(UTC) - timedelta(days=30 * months_ago)).date().isoformat()


@dataclass(frozen=True)
class Study:
    """One paper.

    Attributes:
        cites: arXiv ids, the first of them as the paper it builds on.
        setup: sentences of its training section.
        settings: rows of the table in its appendix, (name, value).
        scores: rows of its results table, the head first.
    """

    id: str
    title: str
    published: str
    citations: int
    base: str
    data: str
    cites: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    scores: tuple[tuple[str, ...], ...] = ()
    code: str | None = None
    abstract: str | None = None
    quotes: tuple[str, ...] = ("We follow it.",)

    @property
    def summary(self) -> str:
        return self.abstract or f"We study {self.title.lower()} for math reasoning with {self.base}."

    def page(self) -> str:
        """The paper as arXiv shows it."""
        link = f'<a class="ltx_ref" href="https://huggingface.co/datasets/{self.data}">{self.data}</a>'
        first = f"We start from {self.base} and train it with GRPO on {link}."
        return page(
            section("1", "Introduction", para("Small models reason badly. " * 12)),
            section("2", "Related Work", para("Earlier work used a learning rate of 5e-4. " + "Others differ. " * 20)),
            section("3", "Method", para(first), *map(para, self.setup)),
            section(
                "4",
                "Experiments",
                para("We evaluate zero-shot. " * 10),
                table("Table 1", "Accuracy.", [list(r) for r in self.scores]),
            ),
            section("A", "Training Details", table("Table 2", "Settings.", [list(r) for r in self.settings]), kind="appendix"),
            title=self.title,
            watermark=f"arXiv:{self.id}v2 [cs.CL] {self.published}",
        )

    def at_scholar(self) -> dict[str, Any]:
        number = int(self.id.replace(".", ""))
        ids = {"paperId": f"{number:040x}", "externalIds": {"ArXiv": self.id}}
        counts = {
            "citationCount": self.citations,
            "influentialCitationCount": self.citations // 10,
            "referenceCount": len(self.cites),
        }
        return s2_paper(
            self.title, **ids, **counts, year=int(self.published[:4]), publicationDate=self.published, abstract=self.summary
        )


LANDMARK, BEST, DATA_STUDY = "2402.11111", "2508.22222", "2506.33333"
DATASET, BASE = "ada/math-chat", "Qwen/Qwen2.5-1.5B"
FIELD = (
    Study(
        LANDMARK, "Group Policies for Math Reasoning", "2024-02-10", 2400, "Qwen/Qwen2.5-7B", "ada/math-tasks",
        setup=("The learning rate is 1e-6 and we use the AdamW optimizer.", "We sample 16 responses per prompt with a temperature of 1.0."),
        settings=(("Learning rate", "1e-6"), ("Batch size", "1024"), ("KL coefficient", "0.04"), ("Max completion length", "1024")),
        scores=(("Model", "GSM8K", "MATH"), ("Base", "82.9", "46.8"), ("Ours", "88.2", "51.7")),
    ),
    Study(
        BEST, "Clipped Group Policies for Math Reasoning at 1.5B", _day(4), 60, BASE, DATASET, cites=(LANDMARK, DATA_STUDY), code="https://github.com/ada/clipped",
        setup=("We train for 200 steps with a learning rate of 2e-6, and no KL term.", "Training took 12 hours on 8 A100 GPUs."),
        settings=(("Learning rate", "2e-6"), ("Batch size", "512"), ("Group size", "8"), ("Max completion length", "2048")),
        scores=(("Model", "GSM8K", "MATH"), ("Base", "62.5", "35.0"), ("GRPO", "73.1", "50.4"), ("Ours", "77.4", "55.9")),
    ),
    Study(
        DATA_STUDY, "What Data Math Reasoning Needs", _day(6), 35, BASE, DATASET, cites=(LANDMARK,),
        setup=("We fine-tune for 3 epochs with a learning rate of 1e-5.",),
        settings=(("Learning rate", "1e-5"), ("Batch size", "128"), ("Epochs", "3")),
        scores=(("Model", "GSM8K"), ("Base", "62.5"), ("Ours", "70.2")),
    ),
)  # fmt: skip


class Literature:
    """The services of one field of research, as routes of `service`; `reads` counts what was asked of it."""

    def __init__(self, service: Loopback, studies: tuple[Study, ...] = FIELD) -> None:
        self.service = service
        self.studies = {study.id: study for study in studies}
        service.routes |= {
            "/api/query": self._arxiv,
            "/api/papers/search": lambda request: Answer([{"paper": self._hub_page(each)} for each in self._match(request, "q")]),
            "/graph/v1/paper/search": lambda request: self._found(self._match(request, "query")),
            "/graph/v1/paper/batch": self._counts,
            "/graph/v1/paper/": self._graph,
            "/recommendations/v1/papers/forpaper/": Answer({"recommendedPapers": []}),
            "/html/": self._page,
            "/api/models": Answer([]),
            "/api/datasets": Answer([]),
            "/api/spaces": Answer([]),
            "/api/collections": Answer([]),
        }
        for study in studies:
            service.routes[f"/api/papers/{study.id}"] = Answer(self._hub_page(study))
            service.routes[f"/api/models/{study.base}"] = Answer({"id": study.base, "gated": False, "downloads": 900})

    def urls(self, **extra: str) -> dict[str, str]:
        """The environment that sends every service to loopback."""
        return {**dict.fromkeys(URL_VARIABLES, self.service.url), **extra}

    def asked(self, prefix: str) -> list[str]:
        """Paths (with the query's words) that were asked for, in order."""
        return [
            f"{each.path}?{each.query}" if each.query else each.path
            for each in self.service.requests
            if each.path.startswith(prefix)
        ]

    def _match(self, request: Request, name: str) -> list[Study]:
        words = re.findall(r"[a-z]{4,}", " ".join(request.query.get(name, [])).lower())
        return [study for study in self.studies.values() if any(word in study.title.lower() for word in words)]

    def _arxiv(self, request: Request) -> Answer:
        ids = ",".join(request.query.get("id_list", [])).split(",")
        chosen = [self.studies[i.partition("v")[0]] for i in ids if i.partition("v")[0] in self.studies] or self._match(
            request, "search_query"
        )
        return feed(*(entry(f"{s.id}v2", s.title, published=f"{s.published}T10:00:00Z", summary=s.summary) for s in chosen))

    def _hub_page(self, study: Study) -> dict[str, Any]:
        data = [{"id": study.data, "downloads": 300, "likes": 2, "gated": False}]
        return hub_paper(
            id=study.id, title=study.title, githubRepo=study.code, linkedModels=[], numTotalModels=0, linkedDatasets=data
        )

    def _found(self, studies: list[Study]) -> Answer:
        return Answer({"total": len(studies), "offset": 0, "data": [study.at_scholar() for study in studies]})

    def _counts(self, request: Request) -> Answer:
        ids = [str(each).partition(":")[2] for each in json.loads(request.body)["ids"]]
        return Answer([self.studies[each].at_scholar() if each in self.studies else None for each in ids])

    def _graph(self, request: Request) -> Answer:
        name, _, direction = request.path.removeprefix("/graph/v1/paper/").partition("/")
        study = self._named(name)
        if study is None:
            return Answer({"error": "Paper not found"}, 404)
        if not direction:
            return Answer(study.at_scholar())
        if direction == "citations":
            citing = [each for each in self.studies.values() if study.id in each.cites]
            rows = [_edge(each, each, influential=each.cites[0] == study.id) for each in citing]
        else:
            rows = [_edge(self.studies[each], study, side="citedPaper", influential=True) for each in study.cites]
        return Answer({"offset": 0, "data": rows})

    def _named(self, name: str) -> Study | None:
        by_key = {study.at_scholar()["paperId"]: study for study in self.studies.values()}
        return self.studies.get(name.partition(":")[2]) or by_key.get(name)

    def _page(self, request: Request) -> Answer:
        study = self.studies.get(request.path.removeprefix("/html/").partition("v")[0])
        return html(study.page()) if study else Answer("", 404)


def _edge(end: Study, citing: Study, **extra: Any) -> dict[str, Any]:
    return {**s2_edge(end.at_scholar(), **extra), "contexts": list(citing.quotes)}


_TITLES = (
    "Kahneman-Tversky Optimization with Low-Rank Adapters for Instruction Following at 7B",
    "Length Bias in Direct Preference Optimization and How to Remove It",
    "What Learning Rate Does Preference Optimization Need? An Empirical Study over Four Model Families",
    "On-Policy Data Mixtures for Preference Alignment of Small Language Models",
)
_ABSTRACT = (
    "Preference optimization of language models with offline data has become a standard step of post-training, but its results depend on "
    "hyper-parameters that papers seldom report. We study KTO, DPO and IPO with adapters on 7B models over four data sets, find that the "
    "learning rate matters more than beta, and give a recipe that improves AlpacaEval 2 by 3.4 points over a tuned baseline. "
) * 3
_QUOTE = (
    "Following recent work that outperforms preference optimization [12, 14, 33], we train with the objective of Rafailov et al. and compare with KTO and "
    "IPO under equal budgets, tuning the learning rate for each of them."
)


def crowd(count: int, seed: str) -> tuple[Study, ...]:
    """`count` papers around `seed`, half of them citing it and half cited by it, with texts of usual length."""
    citing = [_one(number, _day(2 + number % 20), (seed,)) for number in range(count // 2)]
    cited = [_one(number, f"2022-{1 + number % 12:02d}-11", ()) for number in range(count // 2, count)]
    head = Study(
        seed, "Direct Preference Optimization: Your Language Model is Secretly a Reward Model", "2023-05-29", 5000, BASE, DATASET,
        cites=tuple(each.id for each in cited), abstract=_ABSTRACT, quotes=(_QUOTE,) * 3,
    )  # fmt: skip
    return (head, *citing, *cited)


def _one(number: int, day: str, cites: tuple[str, ...]) -> Study:
    paper_id = f"{day[2:4]}{day[5:7]}.{10000 + number}"
    title = f"{_TITLES[number % len(_TITLES)]} ({number})"
    more: dict[str, Any] = {"abstract": _ABSTRACT, "quotes": (_QUOTE,) * 3, "code": "https://github.com/ada/preferences"}
    return Study(paper_id, title, day, 900 - 9 * number, BASE, DATASET, cites=cites, **more)
