"""Reads and parses a script or notebook without executing it, and explains in one sentence why that fails."""

from __future__ import annotations

import ast
import codecs
import json
import re
import stat
import sys
import warnings
from pathlib import Path
from typing import Any, NamedTuple

from ml_intern_helpers.core.errors import BadData, NotFound, ToolError, Unavailable
from ml_intern_helpers.core.text import clean

#: About 6,000 lines; a larger script would take longer than the allowed 2 s.
MAX_SCRIPT_BYTES = 256 * 1024
#: Notebooks contain outputs such as images; only their code cells must fit MAX_SCRIPT_BYTES.
MAX_NOTEBOOK_BYTES = 16 * 1024 * 1024
#: The suffixes of files that are read. Other files may contain secrets that must not be quoted, such as keys.
KINDS = (".py", ".ipynb")
_HINT = "pass the training script itself (.py or .ipynb)"
_LONGEST_QUOTE = 80
#: Text in quotes, closed or not: syntax errors are quoted without it, because it does not explain them.
_QUOTED_TEXT = re.compile(r"""(["'])((?:\\.|(?!\1).)+)(?:\1|$)""")
#: Words that may be keys, hashes or base64: no spaces, quotes, brackets or separators.
_RUN = re.compile(r"""[^\s"'()\[\]{},:;=<>]{8,}""")
_PREFIXES = ("hf_", "sk-", "ghp_", "gho_", "github_pat_", "glpat-", "xox", "AKIA", "eyJ")


class Source(NamedTuple):
    """A parsed script.

    Attributes:
        path: the path as the user gave it.
        text: the decoded text (PEP 263 and BOM honoured), with `\\n` as line ends.
        lines: `text` by line; `lines[0]` is line 1.
        tree: the syntax tree.
        cells: line -> (cell, line in that cell) for a notebook, None for a script.
        commands: the magics and shell lines of a notebook (`pip install peft`).
    """

    path: Path
    text: str
    lines: list[str]
    tree: ast.Module
    cells: CellMap | None = None
    commands: tuple[str, ...] = ()

    def position(self, line: int | None) -> tuple[int | None, int | None]:
        """`(cell, line in it)` in a notebook, `(None, line)` in a script."""
        if line is None or self.cells is None:
            return None, line
        return self.cells[min(line, len(self.cells)) - 1]

    def file(self, line: int | None) -> str:
        """The file as named in a report: the path; for a notebook, with the cell of the line (`nb.ipynb[cell 3]`)."""
        cell, _ = self.position(line)
        return clean(str(self.path), limit=300) + (f"[cell {cell}]" if cell else "")

    def place(self, line: int | None) -> str:
        """The place of a line in messages: `train.py:31`."""
        name, inside = Path(self.file(line)).name, self.position(line)[1]
        return name if inside is None else f"{name}:{inside}"

    def excerpt(self, line: int | None) -> str | None:
        """The source line, cleaned, as evidence."""
        if line is None or not 1 <= line <= len(self.lines):
            return None
        return clean(self.lines[line - 1], limit=160)

    def segment(self, node: ast.expr, limit: int = 60) -> str:
        """The text of an expression on one line, shortened."""
        rows = self.lines[node.lineno - 1 : node.end_lineno]
        raw = [row.encode() for row in rows]
        if not raw:
            return ""
        raw[-1] = raw[-1][: node.end_col_offset]
        raw[0] = raw[0][node.col_offset :]
        text = clean(b" ".join(raw))
        return text if len(text) <= limit else text[: limit - 1] + "…"


def read_source(path: Path) -> Source:
    """Read and parse `path`.

    Raises:
        NotFound: there is no such file (similar names in the hint).
        Unavailable: it is a folder, unreadable or too large.
        BadData: it is of another kind, empty, binary, wrongly encoded, not Python, or nested too deeply.
    """
    data = _read(path)
    if path.suffix == ".ipynb":
        notebook = code_of_notebook(_name(path), data)
        return _source(path, notebook.text, notebook.cells)._replace(commands=notebook.commands)
    return _source(path, _with_plain_line_ends(_decoded(path, data)), None)


def source_of_text(name: str, text: str) -> Source:
    """Parse a text: a script on a command line (heredoc, `python -c`), or a corrected one.

    Raises:
        BadData: the text is empty, not Python, or nested too deeply.
    """
    return _source(Path(name), _with_plain_line_ends(text), None)


def leads_to(path: Path, kinds: tuple[str, ...]) -> bool:
    """Whether the file that `path` resolves to has one of the suffixes: a `train.py` may link to a file of keys."""
    try:
        return path.resolve().suffix in kinds
    except (OSError, ValueError, RuntimeError):
        return False


def _read(path: Path) -> bytes:
    limit = MAX_NOTEBOOK_BYTES if path.suffix == ".ipynb" else MAX_SCRIPT_BYTES
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise Unavailable(f"{_name(path)} is a folder, not a script", hint=_listed(path, _python_files(path)))
        if not stat.S_ISREG(kind):  # reading a pipe could block forever
            raise Unavailable(f"{_name(path)} is not a regular file", hint=_HINT)
        if path.suffix not in KINDS:
            raise BadData(f"{_name(path)} is not a Python script (.py) or notebook (.ipynb)", hint=_HINT)
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise NotFound(f"no file {_name(path)}", hint=_similar_names(path)) from None
    except (OSError, ValueError) as err:
        reason = getattr(err, "strerror", None) or str(err)
        raise Unavailable(f"cannot read {_name(path)}: {clean(reason, limit=200)}", hint=_HINT) from err
    if len(data) > limit:
        raise _too_large(path, len(data), limit)
    return data


def _decoded(path: Path, data: bytes) -> str:
    if b"\0" in data:
        raise BadData(f"{_name(path)} is binary (it holds null bytes), not Python source", hint=_HINT)
    encoding = "utf-8"
    try:
        # The encoding as Python detects it (PEP 263): a BOM, or a comment in one of the first two lines.
        if data.startswith(codecs.BOM_UTF8) or any(b"coding" in line for line in data.split(b"\n", 2)[:2]):
            from tokenize import detect_encoding

            lines = iter(data.splitlines(keepends=True))
            encoding = detect_encoding(lambda: next(lines, b""))[0]
        return data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as err:
        hint = "save it as UTF-8, or declare its encoding in the first line: # -*- coding: latin-1 -*-"
        raise BadData(f"{_name(path)} cannot be decoded: {clean(err, limit=160)}", hint=hint) from err


def _with_plain_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _source(path: Path, text: str, cells: CellMap | None) -> Source:
    if not text.strip():
        raise BadData(f"{_name(path)} is empty: nothing to check", hint=_HINT)
    if len(text) > MAX_SCRIPT_BYTES:
        raise _too_large(path, len(text), MAX_SCRIPT_BYTES)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # do not print warnings about the script, such as invalid escapes
            tree = ast.parse(text)
    except SyntaxError as err:
        raise _syntax_error(path, err, cells) from err
    except (RecursionError, MemoryError) as err:
        raise BadData(f"{_name(path)} is nested too deeply for Python's own parser", hint=_HINT) from err
    except ValueError as err:
        raise BadData(f"{_name(path)} is not Python source: {clean(err, limit=160)}", hint=_HINT) from err
    # split("\n"), not splitlines(): Python's parser does not end a line at a form feed.
    return Source(path, text, text.split("\n"), tree, cells)


def _syntax_error(path: Path, err: SyntaxError, cells: CellMap | None) -> ToolError:
    line, column = err.lineno or 1, err.offset or 1
    where = f"{_name(path)}:{line}:{column}"
    if cells:
        cell, inside = cells[min(line, len(cells)) - 1]
        where = f"{_name(path)} cell {cell}, line {inside}"
    seen = ""
    if err.text and err.text.strip() and leads_to(path, KINDS):
        # Quoted on one line, shortened; texts in quotes and possible tokens become `…`.
        bare = _RUN.sub(_without_token, _QUOTED_TEXT.sub(r"\1…\1", clean(err.text)))
        seen = f" in `{bare if len(bare) <= _LONGEST_QUOTE else bare[: _LONGEST_QUOTE - 1] + '…'}`"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    hint = f"fix the line; if the job uses a Python newer than {version}, set ML_INTERN_PYTHON to such an interpreter"
    return BadData(f"syntax error at {where}: {clean(err.msg, limit=160)}{seen}", hint=hint)


def _too_large(path: Path, size: int, limit: int) -> Unavailable:
    more = "more than " if size == limit + 1 else ""
    size_text = f"{more}{min(size, limit) // 1024} KiB" if more else f"{size // 1024} KiB"
    return Unavailable(f"{_name(path)} holds {size_text}: too large to be a training script", hint=_HINT)


def _name(path: Path) -> str:
    return clean(str(path), limit=300)


def _similar_names(path: Path) -> str:
    """The hint for a file that does not exist."""
    import difflib  # slow to import, and needed only for a mistyped name

    names = _python_files(path.parent)
    if names is None:
        return f"there is no folder {_name(path.parent)} either"
    similar = difflib.get_close_matches(path.name, names, n=3, cutoff=0.6)
    if similar:
        return "did you mean " + ", ".join(clean(str(path.parent / name), limit=200) for name in similar) + "?"
    return _listed(path.parent, names)


def _python_files(folder: Path) -> list[str] | None:
    """The names of the scripts and notebooks in a folder; None when it cannot be read."""
    try:
        return [entry.name for entry in folder.iterdir() if entry.suffix in KINDS]
    except (OSError, ValueError):
        return None


def _listed(folder: Path, names: list[str] | None) -> str:
    if not names:
        return f"there is no Python file in {_name(folder)}"
    shown = ", ".join(clean(name, limit=80) for name in sorted(names)[:5])
    return f"pass one of the files in {_name(folder)}: {shown}{' …' if len(names) > 5 else ''}"


def _without_token(match: re.Match[str]) -> str:
    """The word, or `…` when it may be a token: very long, long with digits, or with a token's prefix."""
    run = match.group()
    long = len(run) >= 32 or (len(run) >= 16 and any(sign.isdigit() for sign in run))
    return "…" if long or any(prefix in run for prefix in _PREFIXES) else run


# Only a notebook needs these expressions, so they are not compiled when this module is imported.
#: A shell command or magic on the right of an assignment (`files = !ls`).
_ASSIGNED = r"(\s*\w+\s*=\s*)([!%]\w.*)"
#: Magics that run the cell below them, or the rest of their line, as Python.
_RUNS_CELL = r"%%(time|timeit|capture|prun|memit|mprun|wandb)\b"
_RUNS_LINE = r"%time\s+(\S.*)"
#: Line of the joined text (0-based) -> (number of the code cell, line in it), both 1-based.
CellMap = list[tuple[int, int]]


class Notebook(NamedTuple):
    """The code of a notebook.

    Attributes:
        text: the code cells as one text.
        cells: the cell and the line in it for each line of `text`.
        commands: the magics and shell lines of the cells, without their `%` or `!` (`pip install x`).
    """

    text: str
    cells: CellMap
    commands: tuple[str, ...]


def code_of_notebook(name: str, data: bytes) -> Notebook:
    """Join the code cells of a notebook; magics and shell lines, such as `%pip install x`, become comments.

    Raises:
        BadData: the data is not JSON, or not a notebook.
    """
    lines: list[str] = []
    cells: CellMap = []
    commands: list[str] = []
    for number, cell in enumerate(_code_cells(name, data), start=1):
        for inside, line in enumerate(_runnable(cell, commands), start=1):
            lines.append(line)
            cells.append((number, inside))
    return Notebook("\n".join(lines), cells, tuple(commands))


def _code_cells(name: str, data: bytes) -> list[str]:
    try:
        book: Any = json.loads(data)
        code_cells = [cell for cell in book["cells"] if cell.get("cell_type") == "code"]
        return [cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"]) for cell in code_cells]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
        raise BadData(f"{name} is not a notebook (JSON with code cells)", hint="open it in Jupyter and save it again") from err


def _runnable(cell: str, commands: list[str]) -> list[str]:
    """A cell's lines with IPython syntax turned into comments; its magics and shell lines are added to `commands`."""
    lines = cell.replace("\r\n", "\n").replace("\0", "").split("\n")
    if lines[0].startswith("%%"):
        if not re.match(_RUNS_CELL, lines[0]):
            return [f"# {line}" for line in lines]
        lines[0] = f"# {lines[0]}"
    runnable: list[str] = []
    continues = False  # a magic or shell line continues while its lines end in a backslash
    for line in lines:
        bare = line.lstrip()
        command = not continues and bare.startswith(("%", "!")) and not re.match(_RUNS_LINE, bare)
        if command and bare == line:
            commands.append(line[1:])
        runnable.append(f"#  {line}" if continues else _runnable_line(line))
        continues = (continues or command) and line.endswith("\\")
    return runnable


def _runnable_line(line: str) -> str:
    bare = line.lstrip()
    indent = line[: len(line) - len(bare)]
    if timed := re.match(_RUNS_LINE, bare):
        return f"{indent}{timed[1]}"
    if bare.startswith(("%", "!")):
        return f"{indent}pass  # {bare}" if indent else f"# {bare}"
    assigned = re.match(_ASSIGNED, line)
    if assigned:
        return f"{assigned[1]}None  # {assigned[2]}"
    return line.rstrip("?") if bare.rstrip().endswith("?") and "#" not in bare else line
