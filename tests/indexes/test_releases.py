"""Where an index comes from: shipped, cached, an environment, or fetched through the user's own uv or pip."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path
from shutil import which

import pytest

from ml_intern_helpers.core.errors import NotFound, Unavailable, UsageError
from ml_intern_helpers.indexes.libraries import DATA, PACKAGES, installed, release, shipped, shipped_versions
from ml_intern_helpers.indexes.signatures import Argument, ClassRecord, FunctionRecord
from support.wheels import make_wheel, python_beside

pytestmark = pytest.mark.slow

FILES = {"__init__.py": "from .c import C", "c.py": "class C:\n    def __init__(self, a, b=1): ...\n"}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ML_INTERN_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that pip and uv are set to, as a user behind a mirror sets them."""
    make_wheel(tmp_path / "shelf", "trl", "0.20.0", FILES)
    for name in ("PIP_NO_INDEX", "UV_NO_INDEX"):
        monkeypatch.setenv(name, "1")
    for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS"):
        monkeypatch.setenv(name, str(tmp_path / "shelf"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    return tmp_path / "shelf"


#: On PATH, or beside the interpreter that runs the tests (an environment that is not activated).
UV = which("uv") or which("uv", path=str(Path(sys.executable).parent))
PYTHON = sys.executable


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder on PATH with the tools to fetch by, which a test puts there; the Python that runs this has no pip."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def put(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_fetched_through_the_users_own_settings(shelf: Path, tools: Path, monkeypatch: pytest.MonkeyPatch, tool: str) -> None:
    if tool == "pip":
        monkeypatch.setattr(sys, "executable", PYTHON)
    elif UV is None:
        pytest.skip("uv is neither on PATH nor beside the interpreter")
    else:
        (tools / "uv").symlink_to(UV)
        (tools / "python3").symlink_to(Path(sys.base_prefix) / "bin/python3")  # uv needs one, and must not download it
        monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    got = release("trl", "0.20.0")
    assert (got.version, got.names("trl")["C"]) == ("0.20.0", "trl.c:C")
    (shelf / "trl-0.20.0-py3-none-any.whl").unlink()
    assert release("trl", "0.20.0", offline=True).version == "0.20.0", "cached now"


def test_no_such_release(shelf: Path) -> None:
    with pytest.raises(NotFound, match=r"no release trl==9\.9\.9"):
        release("trl", "9.9.9")


def test_offline_without_a_stored_index() -> None:
    with pytest.raises(Unavailable, match="offline"):
        release("trl", "0.20.0", offline=True)


@pytest.mark.usefixtures("tools")
def test_neither_uv_nor_pip() -> None:
    with pytest.raises(Unavailable, match="neither uv nor pip"):
        release("trl", "0.20.0")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("ERROR: No matching distribution found for trl==0.20.0", NotFound),
        ("Because there is no version of trl==0.20.0 and you require trl==0.20.0", NotFound),
        ("WARNING: connection broken: NewConnectionError\nERROR: No matching distribution found for trl", Unavailable),
        ("error: Failed to fetch: 401 Unauthorized", Unavailable),
        ("", Unavailable),
    ],
    ids=["pip: none", "uv: none", "pip without a network says none, too", "index wants a login", "nothing said"],
)
def test_what_a_failed_fetch_means(tools: Path, said: str, expected: type[Exception]) -> None:
    put(tools, "uv", f"#!{PYTHON}\nimport sys; sys.stderr.write({said!r}); sys.exit(1)\n")
    with pytest.raises(Unavailable) as err:
        release("trl", "0.20.0")
    assert type(err.value) is expected
    assert "\n" not in err.value.message


def test_a_tool_that_hangs(tools: Path) -> None:
    put(tools, "uv", "#!/bin/sh\nexec /bin/sleep 30\n")
    with pytest.raises(Unavailable, match="no answer within"):
        release("trl", "0.20.0", timeout_s=0.3)


@pytest.mark.parametrize(
    ("package", "version"), [("numpy", "2.0"), ("trl", "latest"), ("trl", "1.0; rm -rf"), ("trl", "../../x"), ("trl", "-r x")]
)
def test_what_is_no_release(package: str, version: str) -> None:
    with pytest.raises(UsageError):
        release(package, version)


def test_installed_is_read_from_its_files(tmp_path: Path) -> None:
    """And read again when the installation changes: the cache goes by its RECORD."""
    venv.create(tmp_path / "venv", with_pip=False)
    python = str(tmp_path / "venv/bin/python")
    (site,) = (tmp_path / "venv").glob("lib/python3*/site-packages")
    for version, text in (("1.0", "def one(): ..."), ("2.0", "def two(): ...")):
        wheel = make_wheel(tmp_path, "trl", version, {"__init__.py": text})
        for old in site.glob("trl*"):
            subprocess.run(["rm", "-r", str(old)], check=True)
        subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(site)], check=True)
        found = installed(python, "trl")
        assert found is not None
        assert (found.version, set(found.names("trl")) - {"__version__"}) == (version, {text.split()[1].rstrip("():")})
    assert installed(python, "peft") is None


def test_an_editable_checkout_is_read_where_it_lies(tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False)
    (site,) = (tmp_path / "venv").glob("lib/python3*/site-packages")
    source = tmp_path / "checkout/src"
    (source / "trl").mkdir(parents=True)
    (source / "trl/__init__.py").write_text("def one(): ...\n")
    (site / "__editable__.trl-1.0.dev0.pth").write_text(f"{source}\n")
    (site / "trl-1.0.dev0.dist-info").mkdir()
    (site / "trl-1.0.dev0.dist-info/METADATA").write_text("Name: trl\nVersion: 1.0.dev0\n")
    for name in ("one", "two_more"):
        (source / "trl/__init__.py").write_text(f"def {name}(): ...\n")
        found = installed(str(tmp_path / "venv/bin/python"), "trl")
        assert found is not None
        assert (found.version, name in found.names("trl")) == ("1.0.dev0", True), "an edit shows at once"


def test_no_python_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not run as a Python"):
        installed(str(tmp_path / "nope"), "trl")


def test_the_same_release_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = python_beside(tmp_path, make_wheel(tmp_path, "trl", "1.0", FILES))
    stored = []
    for name in ("a", "b"):
        monkeypatch.setenv("ML_INTERN_CACHE", str(tmp_path / name))
        for _ in ("built", "read"):
            found = installed(str(python), "trl")
            assert found is not None
            assert (found.names("trl")["C"], set(found.modules())) == ("trl.c:C", {"trl", "trl.c"})
            record = found.record("trl.c:C")
            assert isinstance(record, ClassRecord)
            assert record.init == FunctionRecord((Argument("a"), Argument("b", "1")))
        stored += [path.read_bytes() for path in (tmp_path / name).rglob("*.index")]
    assert len(stored) == 2
    assert stored[0] == stored[1]


BROKEN = [
    b"",
    b"not an index",
    b"{}\n",
    b'{"format": 1}\n',
    b"\x00\xff\n",
    b"[1]\n",
    b'{"format": 5, "crc": 1, "tables": {"x": [0, 99]}}\n',
]


def test_a_broken_or_foreign_file_is_refused_and_rebuilt(tmp_path: Path) -> None:
    python = str(python_beside(tmp_path, make_wheel(tmp_path, "trl", "0.20.0", FILES)))
    assert installed(python, "trl") is not None
    (stored,) = (tmp_path / "cache").rglob("*.index")
    whole = stored.read_bytes()
    for damaged in (*BROKEN, whole[:-5], whole[:-5] + b"\x00" * 5):
        stored.write_bytes(damaged)
        found = installed(python, "trl")
        assert found is not None
        assert (found.names("trl")["C"], stored.read_bytes()) == ("trl.c:C", whole), damaged[:40]


def test_shipped_releases_are_the_pinned_ones_and_small() -> None:
    """requirements/training.in is the one place that says which releases the training environment gets."""
    pinned = dict(
        line.split("==") for line in (DATA.parents[3] / "requirements/training.in").read_text().splitlines() if "==" in line
    )
    assert shipped_versions() == {package: pinned[package] for package in PACKAGES}
    assert sum(path.stat().st_size for path in DATA.iterdir()) < 1_000_000
    assert (DATA / "history.index").stat().st_size < 150_000
    for package in PACKAGES:
        assert shipped(package).package == package
