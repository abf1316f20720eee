"""An MCP server on loopback that keeps the Authorization header of every request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.loopback import Answer, Loopback, Request


class McpServer:
    """Speaks as much of MCP over HTTP as a client needs to connect; with `token`, every other bearer gets 401.

    `verdict` becomes "connected" or "refused", and is written to `mark` so that another process can wait for it.
    """

    def __init__(self, mark: Path, *, token: str | None = None) -> None:
        self.verdict = "not asked"
        self._mark = mark
        self._token = token
        self._service = Loopback()
        self._service.routes["/mcp"] = self._answer
        self.url = f"{self._service.url}/mcp"

    def seen(self) -> set[str | None]:
        """The distinct Authorization headers that arrived; None for a request without one."""
        return {request.headers.get("authorization") for request in self._service.requests if request.path == "/mcp"}

    def close(self) -> None:
        self._service.close()

    def _answer(self, request: Request) -> Answer:
        if self._token and request.headers.get("authorization") != f"Bearer {self._token}":
            return self._decided("refused", Answer({"error": "unauthorized"}, 401))
        if request.method != "POST":
            return Answer(b"", 405)
        call: dict[str, Any] = json.loads(request.body)
        if "id" not in call:
            return Answer(b"", 202)
        answer = Answer({"jsonrpc": "2.0", "id": call["id"], "result": self._result(call)})
        return self._decided("connected", answer) if call["method"] == "tools/list" else answer

    def _decided(self, verdict: str, answer: Answer) -> Answer:
        self.verdict = verdict
        self._mark.write_text(verdict)
        return answer

    def _result(self, call: dict[str, Any]) -> dict[str, Any]:
        if call["method"] == "initialize":
            version = call["params"]["protocolVersion"]
            return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": {"name": "loopback", "version": "1"}}
        if call["method"] == "tools/list":
            return {
                "tools": [{"name": "hub_search", "description": "search", "inputSchema": {"type": "object", "properties": {}}}]
            }
        return {}
