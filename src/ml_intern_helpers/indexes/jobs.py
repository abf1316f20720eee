"""Lists what Hugging Face Jobs accept: flavors, the keys of `[tool.hf-jobs]`, and the grammar of a timeout.

The values are those of huggingface_hub 2.4.
"""

from __future__ import annotations

#: Flavor -> (number of GPUs, GPU name). The tests compare the names with `huggingface_hub.JobHardware`.
FLAVORS: dict[str, tuple[int, str]] = {
    "cpu-basic": (0, ""), "cpu-upgrade": (0, ""), "cpu-performance": (0, ""), "cpu-xl": (0, ""),
    "t4-small": (1, "T4"), "t4-medium": (1, "T4"),
    "l4x1": (1, "L4"), "l4x4": (4, "L4"),
    "l40sx1": (1, "L40S"), "l40sx4": (4, "L40S"), "l40sx8": (8, "L40S"),
    "a10g-small": (1, "A10G"), "a10g-large": (1, "A10G"), "a10g-largex2": (2, "A10G"), "a10g-largex4": (4, "A10G"),
    "a100-large": (1, "A100"), "a100x4": (4, "A100"), "a100x8": (8, "A100"),
    "h200": (1, "H200"), "h200x2": (2, "H200"), "h200x4": (4, "H200"), "h200x8": (8, "H200"),
    "rtx-pro-6000": (1, "RTX PRO 6000"), "rtx-pro-6000x2": (2, "RTX PRO 6000"), "rtx-pro-6000x4": (4, "RTX PRO 6000"),
    "rtx-pro-6000x8": (8, "RTX PRO 6000"),
}  # fmt: skip
#: Key of `[tool.hf-jobs]` -> the kind of value that the client requires.
HEADER_KEYS: dict[str, str] = {
    "image": "a string",
    "flavor": "a string",
    "python": "a string",
    "timeout": "a duration",
    "name": "a string",
    "namespace": "a string",
    "network_group": "a string",
    "env": "a table of strings",
    "secrets": "a list of strings",
    "labels": "a table of strings",
    "volumes": "a list of strings",
    "network_aliases": "a list of strings",
}
#: The timeout that the server gives a job without one.
DEFAULT_TIMEOUT_S = 30 * 60
#: The shortest timeout accepted for a training run (design: never under 2 h).
LEAST_TRAINING_TIMEOUT_S = 2 * 3600
#: A run limited to at most this many steps is a smoke run: its result is the log, not the model.
SMOKE_STEPS = 50
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def timeout_seconds(text: str) -> int | None:
    """The seconds of a timeout as the client reads it: a number with one of s m h d, or whole seconds; None where it fails.

    `1.5h` is 5400; for `2h30m`, `90min` and `30 minutes` the client fails with "could not convert string to float".
    """
    unit = _UNIT_SECONDS.get(text[-1:], 0)
    try:
        return int(float(text[:-1]) * unit) if unit else int(text)
    except (ValueError, OverflowError):
        return None
