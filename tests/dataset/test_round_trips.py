"""A look at the Hub over a slow line: at 100 ms for every answer, no more than three of them are waited for one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from dataset.cases import chat
from dataset.viewer import Viewer, hub_with
from support.helpers import Outcome
from support.loopback import Answer, Request, in_sequence

NAME = "ada/chats"
LATENCY_S = 0.1
ROWS = [{"messages": chat(n)} for n in range(100)]


@pytest.fixture
def services() -> Iterator[tuple[Viewer, Any]]:
    """A dataset viewer and a Hub, each as far away as the other."""
    viewer = Viewer(NAME, {("default", "train"): (ROWS, 5000), ("default", "test"): (ROWS[:10], 10)})
    hub, _ = hub_with(NAME)
    viewer.delay_s = LATENCY_S
    near: Any = hub.service.routes["/"]
    hub.service.routes["/"] = lambda request: _late(near(request), request)
    yield viewer, hub
    viewer.close()
    hub.service.close()


def _late(answer: Answer, _: Request) -> Answer:
    return replace(answer, delay_s=LATENCY_S)


@pytest.mark.parametrize(
    ("cut", "options", "most"),
    [(False, (), 2), (True, (), 3), (False, ("--config", "default", "--split", "train"), 1)],
    ids=["plain", "cells that are cut", "config and split named"],
)
def test_round_trips(
    cut: bool, options: tuple[str, ...], most: int, services: tuple[Viewer, Any], call: Callable[..., Outcome]
) -> None:
    viewer, hub = services
    viewer.cut = {number: ["messages"] for number in range(90)} if cut else {}
    done = call(NAME, *options, "--json", HF_ENDPOINT=hub.url, ML_INTERN_DATASET_VIEWER_URL=viewer.url)
    assert done.json["verdicts"]["sft"]["verdict"] == "ready"
    assert done.json["card"] is not None
    assert len(viewer.service.spans) >= 5
    assert in_sequence(viewer.service, hub.service) == most
