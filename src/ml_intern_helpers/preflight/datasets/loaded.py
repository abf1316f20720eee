"""The datasets a script loads by name."""

from __future__ import annotations

import ast
from typing import NamedTuple

from ml_intern_helpers.analysis.values import Value, runtime
from ml_intern_helpers.preflight.facts import Facts

#: Builders of `datasets` that read files: what they load is named by `data_files`.
BUILDERS = frozenset({"json", "csv", "parquet", "text", "arrow", "imagefolder", "audiofolder", "webdataset"})


class Loaded(NamedTuple):
    """One `load_dataset(…)`.

    Attributes:
        call: the call.
        value: the repository, or the one file of `data_files`.
    """

    call: ast.Call
    value: Value

    @property
    def id(self) -> str:
        """The name, "" when only the run decides."""
        return self.value.value if self.value.settled and isinstance(self.value.value, str) else ""


def loaded(facts: Facts) -> list[Loaded]:
    """What `load_dataset` is called with, in source order."""
    calls = facts.calls.get("datasets.load_dataset", [])
    return [Loaded(call, _source(facts, call)) for call in sorted(calls, key=lambda call: call.lineno)]


def _source(facts: Facts, call: ast.Call) -> Value:
    given = facts.keywords(call).items
    if call.args and not isinstance(call.args[0], ast.Starred):
        path = facts.constant(call.args[0])
    else:
        path = given["path"].value if "path" in given else runtime("its name is not spelt out")
    if not path.settled or path.value not in BUILDERS:
        return path
    files = given["data_files"].value if "data_files" in given else runtime(f"{path.value} files are not spelt out")
    if isinstance(files.value, dict) and len(files.value) == 1:
        files = files._replace(value=next(iter(files.value.values())))
    return files._replace(value=files.value[0]) if isinstance(files.value, list) and len(files.value) == 1 else files
