"""Files of a format that is not read here, told by their first bytes, and how to make one of them that is."""

from __future__ import annotations

import shlex
from pathlib import Path

from ml_intern_helpers.core.errors import BadData
from ml_intern_helpers.dataset.local.text_files import shown

#: How packed files begin, and what unpacks them.
PACKED = {b"\x1f\x8b": "zcat", b"\x28\xb5\x2f\xfd": "zstdcat", b"BZh": "bzcat", b"\xfd7zXZ": "xzcat"}
_SQLITE = "export the table that holds the rows: sqlite3 -header -csv FILE 'select * from TABLE' > rows.csv"
_TAR = "unpack it (tar -xf); of a WebDataset each sample's texts then lie in a .json or .txt file of its own: write them as JSONL"
_EXCEL = "save the sheet as CSV, or: pandas.read_excel(…).to_csv('rows.csv', index=False)"
_TAR_MARK_AT = 257


def refusal(path: Path, head: bytes, endings: str) -> BadData:
    """The error for `path`, which begins with `head`; `endings` names what is read."""
    tool = next((tool for sign, tool in PACKED.items() if head.startswith(sign)), None)
    if tool:
        return BadData(
            f"{shown(path)} is packed", hint=f"unpack it on the way: {tool} {shlex.quote(shown(path))} | inspect_dataset -"
        )
    if head.startswith(b"PK\x03\x04"):
        sheet = path.suffix.lower() in (".xlsx", ".xlsm") or b"[Content_Types].xml" in head
        what, how = ("an Excel workbook", _EXCEL) if sheet else ("a zip archive", "unpack it and name the folder")
        return BadData(f"{shown(path)} is {what}, which is not read here", hint=how)
    if head.startswith(b"SQLite format 3"):
        return BadData(f"{shown(path)} is an SQLite database, which is not read here", hint=_SQLITE)
    if head[_TAR_MARK_AT : _TAR_MARK_AT + 5] == b"ustar":
        return BadData(f"{shown(path)} is a tar archive, which is not read here", hint=_TAR)
    hint = f"give one of {endings} (also .gz for text), a folder of them, or a Hub id"
    return BadData(f"{shown(path)} is of no format that is read here", hint=hint)
