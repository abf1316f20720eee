"""A dataset viewer and its Hub on loopback, made from rows: what the real services answer for such a dataset."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from support.hub import Hub, Repo
from support.loopback import Answer, Loopback, Request

REVISION = "c" * 40


def feature(value: Any) -> Any:
    """The feature description of one value."""
    if isinstance(value, bool):
        return {"dtype": "bool", "_type": "Value"}
    if isinstance(value, (int, float)):
        return {"dtype": "int64" if isinstance(value, int) else "float64", "_type": "Value"}
    if isinstance(value, list):
        return {"feature": feature(value[0]), "_type": "List"}
    if isinstance(value, dict):
        return {key: feature(item) for key, item in value.items()}
    return {"dtype": "string", "_type": "Value"}


class Viewer:
    """Answers for one dataset. `splits` maps (config, split) to (rows, number of rows it claims)."""

    def __init__(
        self, name: str, splits: dict[tuple[str, str], tuple[list[dict[str, Any]], int]], *, partial: bool = False
    ) -> None:
        self.name = name
        self.splits = splits
        self.partial = partial
        self.cut: dict[int, list[str]] = {}
        self.delay_s = 0.0
        self.service = Loopback()
        self.fail: dict[str, Answer] = {}
        for path in ("splits", "size", "info", "is-valid", "first-rows", "rows"):
            self.service.routes[f"/{path}"] = lambda request, path=path: self._answer(path, request)
        self.url = self.service.url

    def close(self) -> None:
        self.service.close()

    def _answer(self, path: str, request: Request) -> Answer:
        if path in self.fail or "*" in self.fail:
            return self.fail.get(path) or self.fail["*"]
        if request.query.get("dataset") != [self.name]:
            return error(404, "ExternalAuthenticatedError", "The dataset does not exist, or is not accessible.")
        made = getattr(self, "_" + path.replace("-", "_"))(request)
        return made if isinstance(made, Answer) else Answer(made, headers={"x-revision": REVISION}, delay_s=self.delay_s)

    def _splits(self, request: Request) -> Any:
        return {"splits": [{"dataset": self.name, "config": c, "split": s} for c, s in self.splits], "pending": [], "failed": []}

    def _size(self, request: Request) -> Any:
        items = [
            {
                "dataset": self.name,
                "config": c,
                "split": s,
                "num_rows": count,
                "num_bytes_parquet_files": count * 10,
                "estimated_num_rows": None,
            }
            for (c, s), (_, count) in self.splits.items()
        ]
        return {"size": {"dataset": {}, "configs": [], "splits": items}, "pending": [], "failed": [], "partial": self.partial}

    def _info(self, request: Request) -> Any:
        return {"dataset_info": {}, "pending": [], "failed": [], "partial": self.partial}

    def _is_valid(self, request: Request) -> Any:
        return dict.fromkeys(("preview", "viewer", "search", "filter", "statistics"), True)

    def _first_rows(self, request: Request) -> Any:
        key = (request.query["config"][0], request.query["split"][0])
        if key not in self.splits:
            return error(404, "ResponseNotFound", "Not found.")
        return {**self._page(key, self.cut), "truncated": bool(self.cut)}

    def _rows(self, request: Request) -> Any:
        return self._page((request.query["config"][0], request.query["split"][0]), {}, int(request.query["length"][0]))

    def _page(self, key: tuple[str, str], cut: dict[int, list[str]], length: int = 100) -> dict[str, Any]:
        rows = self.splits[key][0][:length]
        features = (
            [{"feature_idx": i, "name": name, "type": feature(value)} for i, (name, value) in enumerate(rows[0].items())]
            if rows
            else []
        )
        items = []
        for number, row in enumerate(rows):
            shown = {name: str(value)[:20] if name in cut.get(number, []) else value for name, value in row.items()}
            items.append({"row_idx": number, "row": shown, "truncated_cells": cut.get(number, [])})
        return {"features": features, "rows": items}


def error(status: int, code: str | None, message: str, **more: Any) -> Answer:
    """An error as the viewer words it."""
    headers = {"x-error-code": code} if code else {}
    return Answer({"error": message, **more}, status, headers)


def hub_with(name: str, files: dict[str, bytes] | None = None, **settings: Any) -> tuple[Hub, Repo]:
    """A Hub that knows the dataset `name`, and answers for its folders as the real one does."""
    hub = Hub()
    repo = hub.add("dataset", name, files, **settings)
    hub.service.routes[f"/api/datasets/{name}/tree/"] = lambda request: _tree(repo, request)
    return hub, repo


def _tree(repo: Repo, request: Request) -> Answer:
    """Entries of a folder; the branch of the Parquet export holds the .parquet files and the others hold the rest."""
    revision, _, folder = unquote(request.path.partition("/tree/")[2].replace("refs%2Fconvert%2Fparquet", "export")).partition(
        "/"
    )
    files = {path: data for path, data in repo.files.items() if path.endswith(".parquet") == (revision == "export")}
    inside = {path.removeprefix(folder).lstrip("/"): path for path in files if not folder or path.startswith(folder + "/")}
    if not inside:
        code = "EntryNotFound" if files else "RevisionNotFound"
        return error(404, code, "not found")
    folders = dict.fromkeys(f"{folder}/{rest.partition('/')[0]}".lstrip("/") for rest in inside if "/" in rest)
    recursive = request.query.get("recursive") == ["true"]
    wanted = [path for rest, path in inside.items() if recursive or "/" not in rest]
    entries = [{"type": "directory", "oid": "0" * 40, "size": 0, "path": path} for path in folders]
    return Answer(entries + [{"type": "file", "oid": "0" * 40, "size": len(files[path]), "path": path} for path in wanted])
