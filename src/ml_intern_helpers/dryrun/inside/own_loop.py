"""Shortens loops that the script writes itself: few batches per pass, and an end after enough optimizer steps."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.dryrun.inside.events import called_by_script, emit, finding, script_line, substitute

_BATCHES = 4
_ENOUGH = 60


class Enough(BaseException):
    """Ends a loop that would go on: enough steps were seen."""


class _Seen:
    """What the script's own loop did; the last three only with `Accelerator`."""

    steps = 0
    accelerated = False
    backward = 0
    accumulated = 0
    accumulation_steps = 1


def patch(torch: Any) -> None:
    """Limit `DataLoader` and count optimizer steps where the script, not a trainer, drives them."""
    from torch.optim.optimizer import register_optimizer_step_post_hook
    from torch.utils.data import DataLoader

    iterate = DataLoader.__iter__

    def limited(self: Any) -> Any:
        batches = iterate(self)
        if not called_by_script():
            return batches
        substitute("time", f"{_BATCHES} batches per pass of the script's own loop")
        return (made for made, _ in zip(batches, range(_BATCHES)))  # noqa: B905 - the loader is longer

    DataLoader.__iter__ = limited

    def count(optimizer: Any, args: Any, kwargs: Any) -> None:
        line = script_line()
        if line is None or "transformers.trainer" in _callers():
            return
        _Seen.steps += 1
        if _Seen.steps >= _ENOUGH:
            raise Enough(f"the script's own loop was ended after {_ENOUGH} optimizer steps (line {line})")

    register_optimizer_step_post_hook(count)


def patch_accelerate(module: Any) -> None:
    """Put `accelerate.accelerator.Accelerator` on the CPU and see which of its methods the script's loop uses."""
    owner = module.Accelerator
    init, backward, accumulate = owner.__init__, owner.backward, owner.accumulate

    def start(self: Any, *args: Any, **kwargs: Any) -> None:
        if called_by_script():
            _Seen.accelerated = True
            _Seen.accumulation_steps = int(kwargs.get("gradient_accumulation_steps") or 1)
            if kwargs.pop("mixed_precision", None) not in (None, "no"):
                substitute("place", "mixed_precision of the Accelerator is taken out")
            for option in ("deepspeed_plugin", "fsdp_plugin"):
                if kwargs.pop(option, None) is not None:
                    substitute("place", f"{option} is taken out")
            if kwargs.pop("log_with", None) is not None:
                substitute("world", "nothing is tracked (log_with)")
            kwargs["cpu"] = True
        init(self, *args, **kwargs)

    def count_backward(self: Any, *args: Any, **kwargs: Any) -> Any:
        _Seen.backward += 1
        return backward(self, *args, **kwargs)

    def count_accumulate(self: Any, *args: Any, **kwargs: Any) -> Any:
        _Seen.accumulated += 1
        return accumulate(self, *args, **kwargs)

    owner.__init__, owner.backward, owner.accumulate = start, count_backward, count_accumulate


def _callers() -> set[str]:
    import sys

    names = set[str]()
    frame: Any = sys._getframe(1)
    while frame is not None:
        names.add(frame.f_globals.get("__name__", ""))
        frame = frame.f_back
    return names


def report() -> None:
    """How many optimizer steps the script took by itself, and whether its loop went around `Accelerator`."""
    if not _Seen.steps:
        return
    emit("own_loop", steps=_Seen.steps)
    if _Seen.accelerated and not _Seen.backward:
        finding(
            "backward-bypassed", "error", "the loop calls loss.backward(): accelerate neither scales nor accumulates the loss",
            "accelerator.backward(loss)", line=None,
        )  # fmt: skip
    elif _Seen.accelerated and _Seen.accumulation_steps > 1 and not _Seen.accumulated:
        finding(
            "never-accumulates", "error",
            f"gradient_accumulation_steps={_Seen.accumulation_steps} has no effect: the loop never enters accelerator.accumulate",
            "with accelerator.accumulate(model): around forward, backward and step", line=None,
        )  # fmt: skip
