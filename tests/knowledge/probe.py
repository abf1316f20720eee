"""Runs in the training environment: the real parsers and classes judge the texts' command lines and code blocks.

stdin: {"commands": [[where, words]], "blocks": [[where, text]]}. stdout: {"faults": [text], "checked": {kind: count}}.
One process for everything, because importing TRL takes longer than all the checks.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ.update(HF_HUB_OFFLINE="1", TRL_EXPERIMENTAL_SILENCE="1", HF_HUB_DISABLE_UPDATE_CHECK="1")

import probe_code
import probe_commands


def main() -> None:
    """Judge everything; a fault never stops the others."""
    asked = json.load(sys.stdin)
    checked: Counter[str] = Counter()
    faults = [f"{where}: {fault}" for where, words in asked["commands"] for fault in probe_commands.faults(words, checked)]
    faults += [f"{where}: {fault}" for where, text in asked["blocks"] for fault in probe_code.faults(text, checked)]
    json.dump({"faults": faults, "checked": checked}, sys.stdout)


if __name__ == "__main__":
    main()
