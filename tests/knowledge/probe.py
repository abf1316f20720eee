"""Runs in the training environment: the real parsers, classes and trainers judge what the texts say.

stdin: {"commands": [[where, words]], "blocks": [[where, text]]}.
stdout: {"faults": [text], "checked": {kind: count}, "claims": {name: null or a trace}, "stale": [file]}.
One process for everything, because importing TRL takes longer than most of the checks.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from importlib.machinery import SourceFileLoader
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
os.environ.update(HF_HUB_OFFLINE="1", TRL_EXPERIMENTAL_SILENCE="1", HF_HUB_DISABLE_UPDATE_CHECK="1")

import claims  # noqa: E402
import probe_code  # noqa: E402
import probe_commands  # noqa: E402


def main() -> None:
    """Judge everything; a fault never stops the others."""
    asked = json.load(sys.stdin)
    checked: Counter[str] = Counter()
    faults = [f"{where}: {fault}" for where, words in asked["commands"] for fault in probe_commands.faults(words, checked)]
    faults += [f"{where}: {fault}" for where, text in asked["blocks"] for fault in probe_code.faults(text, checked)]
    generator = SourceFileLoader("gen_references", str(HERE.parents[1] / "scripts/gen_references")).load_module()
    stale = [path.name for path, _ in generator.stale()]
    json.dump({"faults": faults, "checked": checked, "claims": claims.tried(), "stale": stale}, sys.stdout)


if __name__ == "__main__":
    main()
