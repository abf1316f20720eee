"""`detect_compute` as a user runs it: a process, a fake driver tool on PATH, a Hub on loopback."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from support.helpers import ROOT, Outcome
from support.hub import Hub, account

SCHEMA = Draft202012Validator(json.loads((ROOT / "docs/schemas/detect_compute.v1.json").read_text(encoding="utf-8")))
CARD = "0, GPU-aaaa, NVIDIA GeForce RTX 4090, 24564, 23010, 560.35.03, [N/A], 8.9"
TWO = CARD + "\n1, GPU-bbbb, NVIDIA GeForce RTX 4090, 24564, 512, 560.35.03, [N/A], 8.9"
CANARY = "hf_" + "canaryCANARY" * 2 + "canary0000"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="the fake driver is Linux's")]
Detect = Callable[..., Outcome]


@pytest.fixture
def detect(helper: Callable[..., Outcome], home: Path) -> Detect:
    """`detect("--text", smi="…", HF_TOKEN=…)` on a machine whose only GPU tool is a fake `nvidia-smi` printing `smi`.

    An empty file in NVML's place keeps a real driver of the test machine out of it.
    """
    tools, library = home / "bin", home / "lib"
    tools.mkdir()
    library.mkdir()
    (library / "libnvidia-ml.so.1").touch()

    def run(*arguments: str, smi: str | None = None, script: str | None = None, **environment: str) -> Outcome:
        if smi is not None or script is not None:
            (tools / "nvidia-smi").write_text(f"#!/bin/sh\n{script or 'cat <<END' + chr(10) + str(smi) + chr(10) + 'END'}\n")
            (tools / "nvidia-smi").chmod(0o755)
        path = f"{tools}:/usr/bin:/bin"
        return helper("detect_compute", *arguments, PATH=path, LD_LIBRARY_PATH=str(library), **environment)

    return run


def answer(outcome: Outcome) -> dict[str, Any]:
    """The JSON object, valid against the documented schema; a look never fails."""
    assert outcome.code == 0, outcome.stderr
    value = outcome.json
    SCHEMA.validate(value)
    return value


@pytest.mark.parametrize(
    ("gpu", "log_in", "mode"),
    [(True, True, "ask_user"), (True, False, "local"), (False, True, "jobs"), (False, False, "none")],
)
def test_the_four_recommendations(detect: Detect, hub: Hub, gpu: bool, log_in: bool, mode: str) -> None:
    environment = {"HF_TOKEN": hub.token} if log_in else {}
    told = answer(detect(smi=CARD if gpu else None, HF_ENDPOINT=hub.url, **environment))
    assert told["compute_mode_recommendation"] == mode
    assert ("RTX 4090" in told["compute_mode_reason"]) is gpu
    assert ("ada may run Jobs" in told["compute_mode_reason"]) is log_in
    assert told["next_step"]
    assert hub.service.paths() == (["/api/whoami-v2"] if log_in else [])


def test_every_figure_of_the_card(detect: Detect) -> None:
    told = answer(detect(smi=CARD))
    [gpu] = told["gpus"]
    assert (gpu["memory_total_bytes"], gpu["memory_free_bytes"]) == (24564 * 1024**2, 23010 * 1024**2)
    assert (gpu["compute_capability"], gpu["bf16"], told["driver_version"]) == ("8.9", True, "560.35.03")
    assert told["gpu_source"] == "nvidia-smi"


def test_what_the_environment_hides_is_not_usable(detect: Detect) -> None:
    told = answer(detect(smi=TWO, CUDA_VISIBLE_DEVICES=""))
    assert [gpu["usable"] for gpu in told["gpus"]] == [False, False]
    assert told["compute_mode_recommendation"] == "none"
    assert "CUDA_VISIBLE_DEVICES" in told["compute_mode_reason"]


def test_a_busy_card_is_warned_about(detect: Detect) -> None:
    told = answer(detect(smi=TWO, CUDA_VISIBLE_DEVICES="1"))
    assert told["warnings"][0] == "GPU 1 is in use: 512.0 MiB of 24.0 GiB free"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        pytest.param(
            "echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18", "version mismatch", id="mismatch"
        ),
        pytest.param("exit 0", "reports no GPU", id="silent"),
    ],
)
def test_a_broken_driver_is_the_reason(detect: Detect, script: str, said: str) -> None:
    told = answer(detect(script=script))
    assert told["gpus"] == []
    assert said in told["compute_mode_reason"]


def test_a_hanging_driver_tool_is_stopped_with_its_children(detect: Detect, home: Path) -> None:
    started = time.monotonic()
    told = answer(detect(script=f'sleep 60 & echo $! > "{home}/child"; wait'))
    assert time.monotonic() - started < 12
    assert "did not end within 5 s" in told["compute_mode_reason"]
    child = Path(f"/proc/{(home / 'child').read_text().strip()}/status")
    for _ in range(20):
        if not child.exists() or "State:\tZ" in child.read_text():
            return
        time.sleep(0.1)
    pytest.fail("the tool's child still runs")


@pytest.mark.parametrize(
    ("environment", "state"),
    [
        pytest.param({}, "no_token", id="no-token"),
        pytest.param({"HF_TOKEN": CANARY}, "unreachable", id="no-network"),
        pytest.param({"HF_TOKEN": CANARY, "HF_HUB_OFFLINE": "1"}, "offline", id="offline-by-variable"),
        pytest.param({"HF_TOKEN": CANARY + "\nx"}, "unusable_token", id="line-break-in-the-token"),
        pytest.param({"HF_TOKEN": CANARY, "HF_ENDPOINT": "http://example.org"}, "unexpected", id="plain-http-elsewhere"),
    ],
)
def test_states_of_the_account(detect: Detect, environment: dict[str, str], state: str) -> None:
    outcome = detect(**environment)
    told = answer(outcome)
    assert told["account"]["state"] == state
    assert told["compute_mode_recommendation"] == "none"
    assert CANARY not in outcome.stdout + outcome.stderr


def test_an_empty_variable_does_not_hide_the_token_file(detect: Detect, hub: Hub, home: Path) -> None:
    token_file = home / ".cache/huggingface/token"
    token_file.parent.mkdir(parents=True)
    token_file.write_text(hub.token + "\n")
    told = answer(detect(HF_TOKEN="", HF_ENDPOINT=hub.url))
    assert (told["account"]["user"], told["account"]["token_source"]) == ("ada", str(token_file))


def test_a_second_run_does_not_ask_again_and_says_so(detect: Detect, hub: Hub) -> None:
    for _ in range(2):
        told = answer(detect(HF_ENDPOINT=hub.url, HF_TOKEN=hub.token))
    assert hub.service.paths() == ["/api/whoami-v2"]
    assert any(warning.startswith(f"account as stored at {told['account']['asked_at']}") for warning in told["warnings"])


def test_a_hub_that_never_answers_costs_no_more_than_its_limit(detect: Detect) -> None:
    started = time.monotonic()
    detect(smi=CARD)
    usual = time.monotonic() - started
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        told = answer(detect(smi=CARD, HF_ENDPOINT=f"http://127.0.0.1:{silent.getsockname()[1]}", HF_TOKEN=CANARY))
        took = time.monotonic() - started
    assert told["account"]["state"] == "unreachable"
    assert told["compute_mode_recommendation"] == "local"
    assert took < 2 * usual + 2.5, "1.5 s for the Hub, and a start-up with the network's imports on a loaded machine"


def test_a_slow_hub_is_waited_for_when_asked_to(detect: Detect, hub: Hub) -> None:
    from support.loopback import Answer

    hub.service.routes["/api/whoami-v2"] = Answer(account(), delay_s=2.0)
    assert answer(detect("--timeout", "10", HF_ENDPOINT=hub.url, HF_TOKEN=hub.token))["account"]["user"] == "ada"


@pytest.mark.parametrize("form", ["--text", "--human"])
def test_readable_forms_begin_with_the_verdict(detect: Detect, hub: Hub, form: str) -> None:
    outcome = detect(form, smi=TWO, HF_ENDPOINT=hub.url, HF_TOKEN=hub.token)
    assert outcome.code == 0
    assert outcome.stdout.startswith("ask_user: 2 usable GPUs, the first a NVIDIA GeForce RTX 4090")
    assert "\x1b" not in outcome.stdout
    for words in ("bf16", "560.35.03", "ram", "disk", "ada"):
        assert words in outcome.stdout
    assert "warning: GPU 1 is in use" in outcome.stderr


def test_a_home_that_cannot_be_written_is_no_obstacle(detect: Detect, hub: Hub, home: Path) -> None:
    blocked = home / "file"
    blocked.touch()
    told = answer(
        detect(HF_ENDPOINT=hub.url, HF_TOKEN=hub.token, ML_INTERN_CACHE=str(blocked / "cache"), HF_HOME=str(blocked / "hf"))
    )
    assert told["account"]["user"] == "ada"


def test_wrong_usage_is_answered_in_the_default_form(detect: Detect) -> None:
    outcome = detect("--gpu")
    assert outcome.code == 2
    SCHEMA.validate(outcome.json)
    assert outcome.json["error"]["code"] == "usage"
    assert os.linesep + "  next: " in outcome.stderr
