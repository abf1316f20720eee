"""The person in front of the client: answers what it asks before a tool runs (`--permission-prompt-tool stdio`).

    host = Host(lambda request: request["tool_name"] == "Bash")
    session = run_session(folder, turns, ["go"], …, host=host)
    host.asked        # every request, with the reason that the client shows

The client writes a control request on its stream and waits for the answer on its stdin, which is a pipe here.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: What starts the client with a person to ask.
ARGUMENTS = ("--permission-prompt-tool", "stdio")


class Host:
    """`decide` gets each request and says yes or no; `asked` keeps them."""

    def __init__(self, decide: Callable[[dict[str, Any]], bool]) -> None:
        self.asked: list[dict[str, Any]] = []
        self._decide = decide

    def serve(self, pipe: Path, stream: Path, first: str, limit_s: float) -> threading.Thread:
        """Write the prompts, then answer until the client's result is there; `stream` is what the client writes."""
        os.mkfifo(pipe)
        thread = threading.Thread(target=self._serve, args=(pipe, stream, first, time.monotonic() + limit_s), daemon=True)
        thread.start()
        return thread

    def _serve(self, pipe: Path, stream: Path, first: str, ends_at: float) -> None:
        with pipe.open("w") as answers:
            answers.write(first)
            answers.flush()
            seen = 0
            while time.monotonic() < ends_at:
                text = stream.read_text(encoding="utf-8") if stream.exists() else ""
                lines = text[: text.rfind("\n") + 1].splitlines()
                for line in lines[seen:]:
                    entry = json.loads(line)
                    if entry["type"] == "result":
                        return
                    if entry["type"] == "control_request":
                        answers.write(json.dumps(self._answered(entry)) + "\n")
                        answers.flush()
                seen = len(lines)
                time.sleep(0.05)

    def _answered(self, entry: dict[str, Any]) -> dict[str, Any]:
        request = entry["request"]
        self.asked.append(request)
        yes = {"behavior": "allow", "updatedInput": request.get("input", {})}
        no = {"behavior": "deny", "message": "The user said no."}
        decided = yes if self._decide(request) else no
        return {
            "type": "control_response",
            "response": {"subtype": "success", "request_id": entry["request_id"], "response": decided},
        }
