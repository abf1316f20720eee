"""No acknowledged line is lost: not by kills, not by eight writers at once, not by a full disk, not by what others wrote."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ml_intern_helpers.core.errors import BadData, Unavailable, UsageError
from ml_intern_helpers.core.tokens import blanked
from ml_intern_helpers.runs import launching, ledger
from ml_intern_helpers.runs.spend import ON_THIS_MACHINE
from runs.tasks import as_somebody_else
from support.helpers import ROOT

NAME = "runs.jsonl"
WRITER = """
import sys
sys.path.insert(0, {src!r})
from pathlib import Path
from ml_intern_helpers.runs import ledger
number = 0
while number < int(sys.argv[3]):
    name = f"{{sys.argv[2]}}-{{number}}"
    ledger.append(Path(sys.argv[1]), {{"id": name, "command": "x" * int(sys.argv[4])}}, timeout_s=60)
    print(name, flush=True)
    number += 1
"""


def writer(folder: Path, name: str, count: int, long: int = 50, **more: Any) -> subprocess.Popen[str]:
    code = WRITER.format(src=str(ROOT / "src"))
    words = [sys.executable, "-c", code, str(folder), name, str(count), str(long)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, **more)


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every user can reach, as pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)
        Path(name).chmod(0o755)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Path]:
    """A folder whose lock another process keeps: one that was stopped, say."""
    code = f"import fcntl,time; f=open({str(tmp_path / 'lock')!r},'w'); fcntl.flock(f,2); print(1,flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        yield tmp_path
        holder.kill()


def ids(folder: Path) -> list[str]:
    return [entry["id"] for entry in ledger.read(folder).entries]


def put(folder: Path, data: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / NAME).write_bytes(data)
    return folder


def test_eight_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    writers = [writer(tmp_path, f"w{number}", 25, 3000) for number in range(8)]
    told = [line for one in writers for line in one.communicate(timeout=120)[0].split()]
    assert len(told) == 200
    assert sorted(ids(tmp_path)) == sorted(told)
    assert ledger.read(tmp_path).damaged == []


def test_kill_9_in_the_middle_loses_no_acknowledged_line(tmp_path: Path) -> None:
    """Twelve writers are killed at different moments while they append; what they were told was written is there."""
    told: list[str] = []
    for number in range(12):
        one = writer(tmp_path, f"k{number}", 100_000, 100_000)
        assert one.stdout is not None
        told.append(one.stdout.readline().strip())
        time.sleep(0.002 * number)
        one.send_signal(signal.SIGKILL)
        told += one.communicate(timeout=30)[0].split()
    found = ledger.read(tmp_path)
    assert set(told) <= {entry["id"] for entry in found.entries}
    assert found.damaged == []
    ledger.append(tmp_path, {"id": "after"}, timeout_s=2)
    assert ids(tmp_path)[-1] == "after", "the lock of the dead is no obstacle"


@pytest.mark.parametrize("cut", [1, 5, 17])
def test_a_torn_last_line_is_tolerated_and_mended(tmp_path: Path, cut: int) -> None:
    ledger.append(tmp_path, {"id": "one"}, {"id": "two"})
    path = tmp_path / NAME
    path.write_bytes(path.read_bytes()[:-cut] if cut > 1 else path.read_bytes() + b'{"id": "thr')
    before = ledger.read(tmp_path)
    assert (before.torn, before.damaged) == (True, [])
    ledger.append(tmp_path, {"id": "next"})
    after = ledger.read(tmp_path)
    assert ([entry["id"] for entry in after.entries][-1], after.torn, after.damaged) == ("next", False, [])
    assert after.entries[0]["id"] == "one"


def test_a_whole_line_without_its_break_is_kept(tmp_path: Path) -> None:
    put(tmp_path, b'{"id": "by-hand", "state": "running"}')
    ledger.append(tmp_path, {"id": "next"})
    assert ids(tmp_path) == ["by-hand", "next"]


def test_a_note_by_hand_is_not_taken_for_a_torn_line(tmp_path: Path) -> None:
    put(tmp_path, b'{"id": "one"}\n# three runs on the cluster, see mail')
    ledger.append(tmp_path, {"id": "next"})
    assert b"# three runs on the cluster, see mail\n" in (tmp_path / NAME).read_bytes()
    assert ids(tmp_path) == ["one", "next"]
    assert ledger.read(tmp_path).damaged == [2]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"not json", id="text"),
        pytest.param(b"[" * 200_000, id="deep-nesting"),
        pytest.param(b'{"id": "x", "reserved_usd": NaN}', id="nan"),
        pytest.param(b'{"id": 3}', id="id-of-another-kind"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"\x00" * 4096, id="null-bytes-after-a-crash"),
        pytest.param(b'{"id": "' + b"x" * 300_000 + b'"}', id="long"),
        pytest.param(b"\xff\xfe{", id="bytes"),
    ],
)
def test_a_damaged_line_is_counted_and_hides_no_other(tmp_path: Path, line: bytes) -> None:
    put(tmp_path, b'{"id": "one"}\n' + line + b'\n{"id": "two"}\n')
    found = ledger.read(tmp_path)
    assert ([entry["id"] for entry in found.entries], found.damaged) == (["one", "two"], [2])


def test_a_byte_order_mark_hides_no_line(tmp_path: Path) -> None:
    put(tmp_path, b'\xef\xbb\xbf{"id": "one"}\r\n{"id": "two"}\r\n')
    assert ids(tmp_path) == ["one", "two"]


def test_none_is_empty(tmp_path: Path) -> None:
    assert ledger.read(tmp_path / "none") == ledger.Lines()


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    """A limit on the file's size fails in the middle of a write, as a full disk does."""
    one = writer(tmp_path, "full", 100, 500, preexec_fn=limited, stderr=subprocess.PIPE)
    out, err = one.communicate(timeout=60)
    told = out.split()
    assert len(told) >= 3
    assert "could not be written: File too large" in err
    assert ids(tmp_path) == told
    assert (tmp_path / NAME).read_bytes().endswith(b"\n")
    ledger.append(tmp_path, {"id": "later"})
    assert ids(tmp_path) == [*told, "later"]


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "link-to-a-profile"])
def test_only_a_file_is_written(tmp_path: Path, kind: str) -> None:
    path, profile = tmp_path / NAME, tmp_path / "profile"
    profile.write_text("export A=1\n")
    if kind.startswith("link"):
        path.symlink_to(profile if kind != "link" else "nowhere")
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    with pytest.raises((Unavailable, BadData)) as caught:
        ledger.append(tmp_path, {"id": "one"}, timeout_s=1)
    assert caught.value.hint
    assert profile.read_text() == "export A=1\n"


def test_a_read_only_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="could not be written"):
        ledger.append(Path("/proc/self/fd") / "x", {"id": "one"}, timeout_s=1)
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="could not be written"):
        ledger.append(tmp_path / "file", {"id": "one"}, timeout_s=1)


def test_a_folder_of_somebody_else_is_read_and_not_written(public: Path) -> None:
    ledger.append(public, {"id": "one"})
    public.chmod(0o555)
    code = "print(len(ledger.read(folder).entries)); ledger.append(folder, {'id': 'two'}, timeout_s=1)"
    done = as_somebody_else(f"from ml_intern_helpers.runs import ledger\nfolder = Path({str(public)!r})\n{code}")
    assert done.stdout == "1\n"
    assert "Permission denied" in done.stderr
    assert ids(public) == ["one"]


def test_a_launch_that_finds_the_lock_held_is_told_in_time(held: Path) -> None:
    """Money is set aside in the step that finds it free: that cannot be put off, as a line about the past can."""
    started = time.monotonic()
    with pytest.raises(Unavailable, match="holds the lock") as caught:
        launching.reserve(held, None, launching.Launch("python train.py", "local"), ON_THIS_MACHINE, timeout_s=0.3)
    assert time.monotonic() - started < 5
    assert "lsof" in str(caught.value.hint)
    assert ids(held) == []


def test_a_ledger_beyond_all_launches_is_refused(tmp_path: Path) -> None:
    with (put(tmp_path, b"") / NAME).open("wb") as file:
        file.truncate(ledger.MAX_BYTES + 1)
    with pytest.raises(BadData, match="larger than 64 MiB"):
        ledger.read(tmp_path)


@pytest.mark.parametrize(
    "entry",
    [{}, {"id": ""}, {"id": 3}, {"id": "x", "usd": float("nan")}, {"id": "x", "c": "y" * 300_000}, {"id": "x", "o": object()}],
)
def test_what_is_no_line_is_refused_before_anything_is_written(tmp_path: Path, entry: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        ledger.append(tmp_path, {"id": "good"}, entry)
    assert not (tmp_path / NAME).exists()


TOKEN = "hf_" + "aB3" * 8


@pytest.mark.parametrize(
    "command",
    [
        f"hf jobs run --token {TOKEN} x",
        f"hf jobs run -s HF_TOKEN={TOKEN} x",
        "python train.py --wandb-api-key 0123456789abcdef0123456789abcdef",
        "WANDB_API_KEY='0123456789abcdef' python train.py",
        "python train.py --hub_token=geheim-geheim",
        "curl -H 'x' ghp_" + "a1" * 18,
    ],
)
def test_tokens_do_not_reach_the_disk(tmp_path: Path, command: str) -> None:
    ledger.append(tmp_path, {"id": "one", "command": command, "deep": [{"x": command}]})
    data = (tmp_path / NAME).read_text()
    for secret in (TOKEN, "0123456789abcdef", "geheim", "a1a1a1a1"):
        assert secret not in data


@pytest.mark.parametrize(
    "command",
    [
        "hf jobs run -s HF_TOKEN=$HF_TOKEN x",
        "python t.py --tokenizer gpt2 --max_tokens=512",
        "MAX_TOKENS=512 python t.py --eos_token x",
        "hf jobs uv run --secrets HF_TOKEN -- train.py",
    ],
)
def test_what_is_no_secret_stays(tmp_path: Path, command: str) -> None:
    ledger.append(tmp_path, {"id": "one", "command": command})
    assert json.loads((tmp_path / NAME).read_text())["command"] == command


@pytest.mark.parametrize("piece", ["a_", "a-", "-", "--a", "TOKEN", "KEY=", '"', "--token ", "_", "sk-", "hf_"])
def test_blanking_takes_no_time_on_a_hostile_line(piece: str) -> None:
    started = time.process_time()
    blanked(piece * (200_000 // len(piece)))
    assert time.process_time() - started < 2


def beside(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(f"{NAME}.late-")]


def test_a_line_that_finds_the_lock_held_waits_beside_and_is_read(held: Path) -> None:
    put(held, b'{"id":"one"}\n')
    start = time.monotonic()
    for number in range(10):
        ledger.append(held, {"id": f"late-{number}"}, timeout_s=0.5)
    assert time.monotonic() - start < 3, "only the first waits: a hook that says ten things must be done in time"
    assert (held / NAME).read_bytes() == b'{"id":"one"}\n', "nobody writes without the lock"
    assert ids(held) == ["one", *(f"late-{number}" for number in range(10))]
    (held / "lock").unlink()  # as after the holder's end
    ledger.append(held, {"id": "next"})
    assert [json.loads(line)["id"] for line in (held / NAME).read_bytes().splitlines()][1:] == [*ids(held)[1:-1], "next"]
    assert beside(held) == []


def test_a_writer_killed_while_it_takes_lines_in_doubles_none(held: Path) -> None:
    """Killed behind the write and before the removal. A second copy of an old state would undo the newer one."""
    ledger.append(held, {"id": "run", "state": "running"}, timeout_s=0.1)
    [name] = beside(held)
    copy = (held / name).read_bytes()
    (held / "lock").unlink()
    ledger.append(held, {"id": "run", "state": "completed"})
    (held / name).write_bytes(copy)
    assert [entry["state"] for entry in ledger.read(held).entries] == ["running", "completed"]
    ledger.append(held, {"id": "next"})
    assert [entry.get("state") for entry in ledger.read(held).entries] == ["running", "completed", None]


@pytest.mark.parametrize("kind", ["link", "folder", "half", "pipe"])
def test_what_only_looks_like_a_waiting_line_is_no_danger(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"{NAME}.late-1"
    (tmp_path / "secret").write_text('{"id": "stranger"}\n')
    make = {"link": lambda: path.symlink_to("secret"), "folder": path.mkdir, "half": lambda: path.write_text('{"id": "ha')}
    make.get(kind, lambda: os.mkfifo(path))()
    ledger.append(tmp_path, {"id": "one"})
    assert ids(tmp_path) == ["one"]


def test_a_disk_without_room_for_a_waiting_line_is_told(held: Path) -> None:
    code = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\nimport sys; sys.path.insert(0, {str(ROOT / 'src')!r})\n"
    code += f"from pathlib import Path\nfrom ml_intern_helpers.runs import ledger\nledger.append(Path({str(held)!r}), {{'id': 'x'}}, timeout_s=0.1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "could not be written" in done.stderr
    assert beside(held) == []
