"""The methods a verdict is given for."""

from __future__ import annotations

from collections.abc import Callable

from ml_intern_helpers.dataset.trainers import grpo, kto, sft
from ml_intern_helpers.dataset.trainers.preference import dpo_problems, reward_problems
from ml_intern_helpers.dataset.trainers.rows import Problem, Row

READERS: dict[str, Callable[[list[Row]], list[Problem]]] = {
    "sft": sft.problems,
    "dpo": dpo_problems,
    "grpo": grpo.problems,
    "kto": kto.problems,
    "reward": reward_problems,
}
