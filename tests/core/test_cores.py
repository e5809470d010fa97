"""The cores of this process: affinity, control groups of both versions, OMP_NUM_THREADS."""

from __future__ import annotations

import os

import pytest

from napari_tally.core import cores
from napari_tally.core.cores import allowed_threads, available_cores


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Return a function that puts this process, on 16 cores, into control groups."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(16)), raising=False)
    monkeypatch.setattr(cores, "_GROUPS", tmp_path)
    monkeypatch.setattr(cores, "_OWN_GROUPS", tmp_path / "own")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)

    def put(own: str, **files: str) -> None:
        (tmp_path / "own").write_text(own)
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return put


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("max 100000", 16),
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("25000 50000", 1),
        ("9900000 100000", 16),
        ("", 16),
        ("0 100000", 16),
        ("100000 0", 16),
    ],
)
def test_a_container_has_the_cores_of_its_limit(groups, limit, expected) -> None:
    groups("0::/\n", **{"cpu.max": limit})
    assert available_cores() == expected


def test_the_smallest_limit_of_nested_groups_counts(groups) -> None:
    groups(
        "0::/slice/job/step\n",
        **{
            "slice/cpu.max": "300000 100000",
            "slice/job/cpu.max": "400000 100000",
            "slice/job/step/cpu.max": "max 100000",
            "other/cpu.max": "100000 100000",
        },
    )
    assert available_cores() == 3


@pytest.mark.parametrize("name", ["cpu", "cpu,cpuacct"])
def test_groups_of_version_1_limit_too(groups, name) -> None:
    groups(
        f"4:memory:/\n2:cpuset:/\n1:{name}:/job\n0::/\n",
        **{
            f"{name}/cpu.cfs_quota_us": "-1\n",
            f"{name}/cpu.cfs_period_us": "100000\n",
            f"{name}/job/cpu.cfs_quota_us": "350000\n",
            f"{name}/job/cpu.cfs_period_us": "100000\n",
        },
    )
    assert available_cores() == 4


def test_in_a_container_the_path_of_the_host_need_not_exist(groups) -> None:
    groups("1:cpu:/docker/0123\n", **{"cpu/cpu.cfs_quota_us": "200000"})
    assert available_cores() == 16  # no period
    groups("1:cpu:/docker/0123\n", **{"cpu/cpu.cfs_period_us": "100000"})
    assert available_cores() == 2


def test_affinity_counts_where_it_is_smaller(groups, monkeypatch) -> None:
    groups("0::/\n", **{"cpu.max": "800000 100000"})
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3}, raising=False)
    assert available_cores() == 1


def test_systems_without_affinity_and_groups_have_all_their_cores(monkeypatch, tmp_path) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(cores, "_OWN_GROUPS", tmp_path / "none")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert available_cores() == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert available_cores() == 1


@pytest.mark.parametrize(
    ("setting", "expected"),
    [("1", 1), ("3,2", 3), (" 4 ", 4), ("40", 40), ("", 16), ("0", 16), ("-1", 16), ("many", 16)],
)
def test_omp_num_threads_decides_where_it_is_a_number(
    groups, monkeypatch, setting, expected
) -> None:
    groups("0::/\n")
    monkeypatch.setenv("OMP_NUM_THREADS", setting)
    assert allowed_threads() == expected


def test_this_machine_is_counted() -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)
