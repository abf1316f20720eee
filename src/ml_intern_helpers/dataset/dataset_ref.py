"""Parses the user's reference to a dataset: local files, a dataset on the Hub, or files in one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from ml_intern_helpers.core.errors import UsageError
from ml_intern_helpers.core.text import clean

_ID = re.compile(r"^(?:[A-Za-z0-9][\w.-]*/)?[A-Za-z0-9][\w.-]*$")
_HUB_PREFIX = re.compile(r"^(?:hf://|https?://(?:www\.)?huggingface\.co/)(?:datasets/)?")
#: `owner/name@revision/path`; a revision with a slash is one of the Hub's own (`refs/convert/parquet`, `refs/pr/1`).
_HUB_FILE = re.compile(
    r"^(?P<name>[^/@]+/[^/@]+)(?:@(?P<revision>refs/(?:convert|pr)/[^/]+|[^/]+))?/(?P<path>.+)$",
)
#: The address of a file's page or download on the Hub.
_PAGE_FILE = re.compile(
    r"^(?P<name>[^/@]+/[^/@]+)/(?:blob|resolve|raw)/(?P<revision>refs/(?:convert|pr)/[^/]+|[^/]+)/(?P<path>[^?#]+)"
)
_FILE_ENDING = re.compile(r"\.(?:jsonl|ndjson|json|csv|tsv|txt|parquet|arrow|pkl|pickle|xlsx|zip)(?:\.gz)?$", re.IGNORECASE)


@dataclass(frozen=True)
class DatasetRef:
    """A reference to a dataset, or to a part of one.

    Attributes:
        name: Hub id or path.
        local: whether `name` is a path on this machine.
        config, split, revision: those given by the user, or None.
        method: the training method that the rows are for, or None.
        path: a file, folder or pattern inside the Hub repository `name`, or None for the dataset as the Hub serves it.
    """

    name: str
    local: bool
    config: str | None = None
    split: str | None = None
    revision: str | None = None
    method: str | None = None
    path: str | None = None

    @property
    def is_pattern(self) -> bool:
        """Whether `path` is a pattern that may match several files."""
        return any(sign in str(self.path) for sign in "*?[")

    @property
    def address(self) -> str:
        """`hf://datasets/owner/name@revision/path`; only for a reference with a `path`."""
        at = f"@{self.revision.replace('/', '%2F')}" if self.revision else ""
        return f"hf://datasets/{self.name}{at}/{self.path}"


def parse_dataset(text: str, *, config: str | None, split: str | None, revision: str | None, method: str | None) -> DatasetRef:
    """Parse a path or a Hub id; `text` is a path if it exists on this machine or is spelt like one.

    Raises:
        UsageError: it is neither, or options do not fit.
    """
    if text.strip() and _looks_local(text):
        if revision or (config and config != "default"):
            raise UsageError("--config and --revision are for Hub datasets, but this is a local path", hint="leave them out")
        return DatasetRef(text, True, None, split, None, method)
    name = _HUB_PREFIX.sub("", text.strip()).strip("/").removesuffix("/viewer")
    # An address of files inside a dataset's repository, or the address of the dataset itself.
    file = None
    if text.strip().startswith("hf://"):
        file = _HUB_FILE.match(name)
    elif text.strip().startswith("http"):
        file = _PAGE_FILE.match(name)
    if file and _ID.match(file["name"]):
        if config:
            raise UsageError("--config is for whole datasets, but this address names files", hint="leave it out")
        named_revision = "refs/convert/parquet" if file["revision"] == "~parquet" else unquote(file["revision"] or "")
        return DatasetRef(file["name"], False, None, split, revision or named_revision or None, method, unquote(file["path"]))
    name, at, pinned = name.partition("@")
    if not _ID.match(name) or name.count("/") > 1:
        message = f"{clean(text, limit=100)!r} is neither a local file nor a Hub dataset id (owner/name)"
        raise UsageError(message, hint="check the spelling and the working folder")
    return DatasetRef(name, False, config, split, revision or (pinned if at else None), method)


def _looks_local(text: str) -> bool:
    if text.startswith(("hf://", "http://", "https://")):
        return False
    if text.startswith(("/", "./", "../", "~", ".\\")) or any(sign in text for sign in "*?[\\"):
        return True
    try:
        return bool(_FILE_ENDING.search(text)) or Path(text).exists()
    except (OSError, ValueError):
        return False
