"""A citation graph of thousands of papers behind a loopback Semantic Scholar that takes its time.

No service has published its latencies and none was measured by us, so these are assumptions, said as such: a page of edges
takes 0.8 s in the median and two seconds in one case of twenty (log-normal), everything else half of that. `SCALE` shortens
them, so that a crawl of two dozen requests takes a second of waiting and not half a minute.
"""

from __future__ import annotations

import json
import math
import random
from typing import Any

from support.loopback import Answer, Loopback, Request
from support.papers import s2_edge, s2_paper

#: Waits are this much shorter than assumed above.
SCALE = 20
_MEDIAN_S, _SPREAD = 0.8, 0.56  # of the logarithm: exp(1.645 * 0.56) = 2.5 times the median in one case of twenty
_YEARS = range(2016, 2027)


class World:
    """`count` papers, each citing some earlier ones, the often cited more often; the same world for the same seed.

    Attributes:
        seed_id: arXiv id of a paper in the middle that many cite.
    """

    def __init__(self, count: int = 5200, seed: int = 20261123) -> None:
        chance = random.Random(seed)
        self.cites: list[list[int]] = [[] for _ in range(count)]
        self.cited_by: list[list[int]] = [[] for _ in range(count)]
        self._latency = random.Random(seed + 1)
        lots = [0]
        middle = count // 3
        for paper in range(1, count):
            wanted = {chance.choice(lots) if chance.random() < 0.7 else chance.randrange(paper) for _ in range(min(paper, 24))}
            if paper > middle and chance.random() < 0.35:
                wanted.add(middle)
            for cited in sorted(wanted):
                self.cites[paper].append(cited)
                self.cited_by[cited].append(paper)
                lots.append(cited)
            lots.append(paper)
        self._middle = middle
        self.seed_id = self._id(middle)

    @staticmethod
    def _id(number: int) -> str:
        return f"{16 + number // 1000:02d}01.{number:05d}"

    def paper(self, number: int) -> dict[str, Any]:
        """A paper as the service describes it; every thirteenth is not on arXiv."""
        year = _YEARS[number * len(_YEARS) // len(self.cites)]
        return s2_paper(
            f"Paper {number} of this world",
            paperId=f"{number:040x}",
            externalIds={} if number % 13 == 5 and number != self._middle else {"ArXiv": self._id(number)},
            year=year,
            publicationDate=f"{year}-{number % 12 + 1:02d}-{number % 27 + 1:02d}",
            abstract=f"What paper {number} is about, in a sentence. " * 5,
            citationCount=len(self.cited_by[number]),
            referenceCount=len(self.cites[number]),
        )

    def serve(self, service: Loopback) -> None:
        """Answer for this world on `service`."""
        service.routes |= {"/graph/v1/paper/": self._graph, "/recommendations/v1/papers/forpaper/": self._recommended}

    def _graph(self, request: Request) -> Answer:
        name, *direction = request.path.removeprefix("/graph/v1/paper/").split("/")
        fields = request.query["fields"][0].split(",")
        if name == "batch":
            asked = [self._number(each) for each in json.loads(request.body)["ids"]]
            return Answer([self._said(number, fields) for number in asked], delay_s=self._wait())
        number = self._number(name)
        if not direction:
            return Answer(self._said(number, fields), delay_s=self._wait() / 2)
        citing = direction == ["citations"]
        side, found = ("citingPaper", self.cited_by) if citing else ("citedPaper", self.cites)
        limit = int(request.query["limit"][0])
        rows = [
            s2_edge(self._said(other, fields), influential=(number + other) % 11 == 0, side=side)
            for other in found[number][:limit]
        ]
        more = {"next": limit} if len(found[number]) > limit else {}
        return Answer({"offset": 0, "data": rows, **more}, delay_s=self._wait())

    @staticmethod
    def _number(name: str) -> int:
        return int(name.rpartition(".")[2]) if name.startswith("ARXIV:") else int(name, 16)

    def _said(self, number: int, fields: list[str]) -> dict[str, Any]:
        """What was asked for, and no more; its own id always."""
        return {name: value for name, value in self.paper(number).items() if name in (*fields, "paperId")}

    def _recommended(self, request: Request) -> Answer:
        return Answer({"recommendedPapers": [self.paper(n) for n in range(40, 48)]}, delay_s=self._wait() / 2)

    def _wait(self) -> float:
        return self._latency.lognormvariate(math.log(_MEDIAN_S), _SPREAD) / SCALE
