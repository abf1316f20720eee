"""The recommendation follows from two facts, and its reason tells the truth about both."""

from __future__ import annotations

import pytest

from ml_intern_helpers.compute.account import Account, Namespace
from ml_intern_helpers.compute.gpu import Gpu, Search
from ml_intern_helpers.compute.recommend import recommend

GIB = 1024**3
CARD = Gpu(0, "NVIDIA GeForce RTX 4090", "nvidia", "cuda", 24 * GIB, 23 * GIB, True, "")
UNREPORTED = Gpu(0, "NVIDIA GB10", "nvidia", "cuda", None, None, True, "", memory_note="shared")
HIDDEN = Gpu(
    0, "NVIDIA A100", "nvidia", "cuda", GIB, GIB, True, "", usable=False, unusable_reason="hidden by CUDA_VISIBLE_DEVICES=''"
)


def paying(name: str = "ada", can_pay: bool | None = True) -> Account:
    place = Namespace(name, "user" if name == "ada" else "org", True, "a write token, which is expected to cover Jobs", can_pay)
    return Account("ok", "", "HF_TOKEN", "ada", "write", may_run_jobs=True, may_run_jobs_basis=place.basis, namespaces=[place])


READER = Account("ok", "", "HF_TOKEN", "ada", "read", may_run_jobs=False, may_run_jobs_basis="a read token may not run Jobs")


@pytest.mark.parametrize(
    ("gpus", "account", "mode", "words", "step"),
    [
        pytest.param(
            [CARD],
            paying(),
            "ask_user",
            ["RTX 4090 (23.0 GiB free of 24.0 GiB", "ada may run Jobs"],
            "let the user choose",
            id="both",
        ),
        pytest.param([CARD, CARD], paying(), "ask_user", ["2 usable GPUs"], "cost", id="two-gpus"),
        pytest.param([CARD], READER, "local", ["a read token may not run Jobs"], "train here", id="gpu-only"),
        pytest.param(
            [UNREPORTED], READER, "local", ["does not report its memory"], "train here", id="memory-unknown-is-still-a-gpu"
        ),
        pytest.param([], paying(), "jobs", ["No GPU found"], "confirm price", id="account-only"),
        pytest.param([HIDDEN], paying(), "jobs", ["A100 is there, but hidden by"], "confirm price", id="hidden-gpu-is-none"),
        pytest.param([], paying("lab"), "jobs", ["under lab"], "--namespace lab", id="organization-pays"),
        pytest.param(
            [], paying(can_pay=None), "jobs", ["whether it can pay is not known"], "confirm price", id="paying-unknown-counts"
        ),
        pytest.param([], READER, "none", ["cannot run Jobs: a read token"], "job.write", id="neither"),
        pytest.param([], paying(can_pay=False), "none", ["ada cannot pay"], "add credit", id="no-credit"),
        pytest.param(
            [], Account("no_token", "no Hugging Face token"), "none", ["no Hugging Face token"], "hf auth login", id="no-token"
        ),
        pytest.param([], Account("invalid_token", "refused"), "none", ["refused"], "renew the login", id="invalid"),
        pytest.param(
            [],
            Account("unreachable", "no network"),
            "none",
            ["Account unknown, counted as none: no network"],
            "connect",
            id="unreachable",
        ),
        pytest.param(
            [CARD], Account("unreachable", "no network"), "local", ["counted as none"], "train here", id="unreachable-with-gpu"
        ),
        pytest.param([], Account("offline", "offline: not asked"), "none", ["offline"], "run again online", id="offline"),
    ],
)
def test_table(gpus: list[Gpu], account: Account, mode: str, words: list[str], step: str) -> None:
    verdict = recommend(Search(gpus), account)
    assert verdict.mode == mode
    assert all(word in verdict.reason for word in words), verdict.reason
    assert step in verdict.next_step


def test_why_there_is_no_gpu_is_said() -> None:
    verdict = recommend(Search(notes=["NVIDIA: the driver cannot be used: version mismatch"]), READER)
    assert "version mismatch" in verdict.reason
