"""Calls reward functions on real rows: with the row's own reference answer and with a wrong one."""

from __future__ import annotations

import inspect
from typing import Any

from ml_intern_helpers.dryrun.inside.events import emit, finding

_REFERENCES = (
    "answer",
    "solution",
    "ground_truth",
    "reference",
    "target",
    "completion",
    "response",
    "output",
    "label",
    "final_answer",
)
#: Forms in which answers are demanded; the best-paid form counts.
_FORMS = (
    "{}", "\\boxed{{{}}}", "#### {}", "<answer>{}</answer>", "<think>\nso\n</think>\n<answer>\n{}\n</answer>",
    "<reasoning>\nso\n</reasoning>\n<answer>\n{}\n</answer>\n", "<think>so</think>\\boxed{{{}}}", "The answer is {}.",
)  # fmt: skip


def report_rewards(trainer: Any) -> None:
    """Per reward function: the best reward of the reference answers, of wrong ones, and of an empty one."""
    functions = [function for function in getattr(trainer, "reward_funcs", None) or [] if inspect.isfunction(function)]
    data = getattr(trainer, "train_dataset", None)
    if not functions or data is None or not hasattr(data, "__getitem__") or not len(data):
        return
    rows = [data[index] for index in range(min(len(data), 4))]
    references = _references(rows)
    for function in functions:
        if inspect.iscoroutinefunction(function):
            continue
        name = getattr(function, "__name__", "reward")
        right = _best(function, rows, references) if references else None
        wrong = _best(function, rows, [f"not {text} 7919" for text in references] if references else None)
        empty = _call(function, rows, [""] * len(rows))
        long = _call(function, rows, ["word " * 60] * len(rows))
        emit("reward", name=name, reference=right, wrong=wrong, empty=empty)
        _judge(name, right, wrong, empty, long)


def _judge(name: str, right: Any, wrong: Any, empty: Any, long: Any) -> None:
    """A reward that ignores the answer. Without a reference nothing can be said: the right answer is not known here."""
    if not right:
        return
    values = {value for answers in (right, wrong, empty, long) if answers for value in answers}
    if len(values) == 1 and None not in values:
        finding(
            "reward-constant", "warning", f"reward {name!r} is {next(iter(values)):g} for right, wrong, empty and long answers",
            "a constant reward has no advantage: nothing is learned from it; compare its format with the reference column",
        )  # fmt: skip


def _references(rows: list[dict[str, Any]]) -> list[str]:
    for column in _REFERENCES:
        values = [row.get(column) for row in rows]
        if all(isinstance(value, (str, int, float)) and not isinstance(value, bool) for value in values):
            return [str(value).rpartition("####")[2].strip() for value in values]
    return []


def _best(function: Any, rows: list[dict[str, Any]], answers: list[str] | None) -> list[Any] | None:
    """Per row the best reward over the forms of an answer."""
    if answers is None:
        return None
    tried = [_call(function, rows, [form.format(answer) for answer in answers]) for form in _FORMS]
    tried = [values for values in tried if values is not None]
    if not tried:
        return None
    return [max((value for value in values if value is not None), default=None) for values in zip(*tried, strict=True)]


def _call(function: Any, rows: list[dict[str, Any]], answers: list[str]) -> list[Any] | None:
    """The rewards as TRL asks for them; None when the function does not answer with one number per row."""
    prompts = [row.get("prompt") for row in rows]
    talks = bool(prompts and isinstance(prompts[0], list))
    completions: list[Any] = [[{"role": "assistant", "content": answer}] for answer in answers] if talks else answers
    columns = {key: [row[key] for row in rows] for key in rows[0] if key not in ("prompt", "completion", "completion_ids")}
    ids = [[1, 2, 3] for _ in rows]
    extras = {"trainer_state": None, "log_extra": lambda *a, **k: None, "log_metric": lambda *a, **k: None}
    try:
        values = list(function(prompts=prompts, completions=completions, completion_ids=ids, **columns, **extras))
    except Exception:  # training calls it too, and its error is reported there
        return None
    if len(values) != len(rows):
        return None
    return [float(value) if value is not None else None for value in values]


def equal_rewards(trainer: Any) -> bool:
    """Whether all answers to a prompt earned the same in every step, as the random model's often do: gradients are zero then."""
    shares = [entry["frac_reward_zero_std"] for entry in trainer.state.log_history if "frac_reward_zero_std" in entry]
    return bool(shares) and min(shares) >= 1.0
