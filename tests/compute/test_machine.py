"""Memory, processors and disk: what this process may use, container limits included."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ml_intern_helpers.compute import machine

GIB = 1024**3
MEMINFO = f"MemTotal:       {64 * GIB // 1024} kB\nMemFree: 1 kB\nMemAvailable:   {60 * GIB // 1024} kB\nHugePages_Total:  0\n"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's files")


def root_with(tmp_path: Path, files: dict[str, str]) -> Path:
    for name, text in {"proc/meminfo": MEMINFO, **files}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("files", "total", "available", "basis"),
    [
        pytest.param({}, 64 * GIB, 60 * GIB, "/proc/meminfo", id="no-container"),
        pytest.param(
            {
                "proc/self/cgroup": "0::/\n",
                "sys/fs/cgroup/memory.max": f"{8 * GIB}\n",
                "sys/fs/cgroup/memory.current": f"{3 * GIB}\n",
                "sys/fs/cgroup/memory.stat": f"anon 1\ninactive_file {GIB}\n",
            },
            8 * GIB,
            6 * GIB,
            "container",
            id="v2-file-cache-is-not-use",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "0::/kube/pod/box\n",
                "sys/fs/cgroup/kube/pod/box/memory.max": "max\n",
                "sys/fs/cgroup/kube/pod/memory.max": f"{16 * GIB}\n",
                "sys/fs/cgroup/kube/pod/memory.current": "0\n",
            },
            16 * GIB,
            16 * GIB,
            "container",
            id="v2-limit-of-an-ancestor",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "5:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{4 * GIB}\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{GIB}\n",
                "sys/fs/cgroup/memory/memory.stat": "total_inactive_file 0\n",
            },
            4 * GIB,
            3 * GIB,
            "container",
            id="v1-mounted-inside-the-container",
        ),
        pytest.param(
            {"proc/self/cgroup": "5:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"},
            64 * GIB,
            60 * GIB,
            "/proc/meminfo",
            id="v1-no-limit-is-a-huge-number",
        ),
        pytest.param(
            {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": f"{512 * GIB}\n"},
            64 * GIB,
            60 * GIB,
            "/proc/meminfo",
            id="limit-above-the-machine",
        ),
    ],
)
def test_memory(tmp_path: Path, files: dict[str, str], total: int, available: int, basis: str) -> None:
    told = machine.memory(root_with(tmp_path, files))
    assert (told["ram_total_bytes"], told["ram_available_bytes"]) == (total, available)
    assert basis in told["ram_basis"]


def test_memory_that_cannot_be_read_is_null(tmp_path: Path) -> None:
    assert machine.memory(tmp_path)["ram_total_bytes"] is None


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        pytest.param({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5, id="v2"),
        pytest.param({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, None, id="v2-none"),
        pytest.param(
            {
                "proc/self/cgroup": "3:cpu,cpuacct:/\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            0.5,
            id="v1-half-a-core",
        ),
        pytest.param({"proc/self/cgroup": "3:cpu:/\n", "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n"}, None, id="v1-none"),
        pytest.param({}, None, id="no-cgroup"),
    ],
)
def test_quota(tmp_path: Path, files: dict[str, str], limit: float | None) -> None:
    root = root_with(tmp_path, files)
    assert machine.cpu_limit(root) == limit
    assert machine.processors(root)["cpu_cores"] == (1 if limit is not None else len(os.sched_getaffinity(0)))


def test_a_path_upwards_in_the_cgroup_file_leads_nowhere(tmp_path: Path) -> None:
    root = root_with(tmp_path, {"proc/self/cgroup": "0::/../../box\n", "sys/fs/cgroup/memory.max": f"{GIB}\n"})
    assert machine.memory_limit(root) == machine.MemoryLimit(GIB, 0)


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        pytest.param({}, ".cache/huggingface/hub", id="default"),
        pytest.param({"HF_HOME": "$HOME/hf"}, "hf/hub", id="home-with-a-variable"),
        pytest.param({"HF_HUB_CACHE": "~/models", "HF_HOME": "/elsewhere"}, "models", id="cache-wins"),
        pytest.param({"XDG_CACHE_HOME": "~/xdg"}, "xdg/huggingface/hub", id="xdg"),
    ],
)
def test_disk_is_asked_where_the_cache_will_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], place: str
) -> None:
    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": str(tmp_path), **variables}.items():
        monkeypatch.setenv(name, value)
    told = machine.disk()
    assert told["hf_cache"] == str(tmp_path / place)
    assert told["disk_free_bytes"] > 0
    assert not (tmp_path / place).exists()
