"""How strictly the launch guard acts: `ML_INTERN_GUARD=on|warn|off`, for all projects or in one's `.claude/settings.json`."""

from __future__ import annotations

import os
from typing import Literal

Mode = Literal["on", "warn", "off"]
VARIABLE = "ML_INTERN_GUARD"
_WORDS: dict[str, Mode] = {
    "": "on", "on": "on", "1": "on", "true": "on", "warn": "warn", "off": "off", "0": "off", "false": "off", "no": "off",
}  # fmt: skip


def mode() -> Mode:
    """`on` holds launches; `warn` tells what it would have held and lets them pass; `off` looks at none.

    The hook gets the client's own environment, which a command that sets the variable does not reach. A word that is none of
    these counts as `on`: a typo must not switch the guard off.
    """
    return _WORDS.get(os.environ.get(VARIABLE, "").strip().lower(), "on")
