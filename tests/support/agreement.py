"""The task file that an example or a case speaks of in its comments."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any


def write_agreement(folder: Path, text: str) -> None:
    """Write `.ml-intern/task.json` from `# agreed: "method": "sft"` comments (`…` stands for the rest); remove it without any."""
    path = folder / ".ml-intern" / "task.json"
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    broken = re.search(r"lost its last line: (.*)", text)
    entries: dict[str, Any] = {}
    for found in re.findall(r"# agreed: (.*)", text):
        entries |= json.loads("{" + found.replace(", …", "") + "}")
    if broken:
        path.write_text(broken.group(1), encoding="utf-8")
    elif entries:
        path.write_text(json.dumps({"schema": "ml-intern/task/v1", **entries}), encoding="utf-8")
