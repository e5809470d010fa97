"""Nothing asks for Linux: what macOS and Windows lack is not used, or is guarded."""

from __future__ import annotations

import ast
import ctypes
import os
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
import pytest

import napari_tally
from napari_tally.core import jit
from napari_tally.files.expand_inputs import below_common
from napari_tally.files.run_record import by_parts
from napari_tally.network import freed_memory
from napari_tally.segmentation.maps import kept_maps

FILES = sorted(Path(napari_tally.__file__).parent.rglob("*.py"))
POSIX_MODULES = {
    "crypt", "fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty",
}  # fmt: skip
POSIX_NAMES = {
    "chown", "fork", "forkpty", "getloadavg", "getuid", "geteuid", "getpgid", "killpg", "link",
    "mkfifo", "nice", "posix_fadvise", "posix_fallocate", "sched_getaffinity",
    "sched_setaffinity", "setsid", "statvfs", "symlink", "uname", "wait",
}  # fmt: skip
TEXT_CALLS = {"read_text": 0, "write_text": 1}  # the place of the encoding


@cache
def nodes() -> tuple[tuple[str, ast.AST], ...]:
    return tuple(_nodes())


def _nodes() -> Iterator[tuple[str, ast.AST]]:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            where = f"{path.name}:{getattr(node, 'lineno', 0)}"
            yield where, node


def line(where: str) -> str:
    name, _, number = where.partition(":")
    texts = [p.read_text("utf-8").splitlines() for p in FILES if p.name == name]
    return "\n".join(text[int(number) - 1] for text in texts if len(text) >= int(number))


def optional(where: str) -> bool:
    """Return whether an import stands in a `try` that is ready for its absence."""
    name, _, number = where.partition(":")
    tries = [n for w, n in nodes() if isinstance(n, ast.Try) and w.startswith(f"{name}:")]
    return any(
        any(statement.lineno == int(number) for statement in each.body)
        and any(getattr(h.type, "id", "") == "ImportError" for h in each.handlers)
        for each in tries
    )


def test_no_posix_only_module_is_imported() -> None:
    found = {
        where
        for where, node in nodes()
        if isinstance(node, ast.Import | ast.ImportFrom) and not optional(where)
        for name in [*(a.name for a in node.names), getattr(node, "module", None)]
        if name in POSIX_MODULES
    }
    assert not found


def test_posix_only_functions_are_guarded() -> None:
    found = {
        where
        for where, node in nodes()
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and node.attr in POSIX_NAMES
        and "hasattr(os" not in line(where)
    }
    assert not found


ON_LINUX = "cores.py:"  # reads limits of control groups, where there are any


def test_no_path_of_one_system_is_hard_coded() -> None:
    roots = ("/tmp", "/dev/", "/proc/", "/sys/", "/usr/", "/etc/", "C:\\")
    found = {
        where
        for where, node in nodes()
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith(roots)
        and not where.startswith(ON_LINUX)
    }
    assert not found


def test_no_process_is_forked() -> None:
    found = {
        where
        for where, node in nodes()
        if isinstance(node, ast.Constant) and node.value in ("fork", "forkserver")
    }
    assert not found


def test_text_has_a_named_encoding() -> None:
    found = set()
    for where, node in nodes():
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        named = any(k.arg == "encoding" for k in node.keywords)
        if name in TEXT_CALLS and not named and len(node.args) <= TEXT_CALLS[name]:
            found.add(where)
        modes = [a.value for a in node.args if isinstance(a, ast.Constant)]
        text = bool(modes) and not any("b" in str(m) for m in modes)
        if name == "open" and text and not named and isinstance(node.func, ast.Name):
            found.add(where)
    assert not found


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        ([r"C:\x\a", r"C:\x\b\c"], [r"a", r"b\c"]),
        ([r"C:\Data\a", r"c:\data\b"], ["a", "b"]),
        ([r"C:\x\a", r"D:\a"], [r"C\x\a", r"D\a"]),
        ([r"C:\x", r"C:\x"], [".", "."]),
    ],
)
def test_inputs_of_several_drives_get_folders_of_their_own(
    folders: list[str], expected: list[str]
) -> None:
    found = below_common([PureWindowsPath(folder) for folder in folders])
    assert [str(folder) for folder in found] == expected
    assert not any(folder.is_absolute() or folder.drive for folder in found)


def test_the_hash_of_a_folder_lists_its_files_alike_everywhere() -> None:
    names = ("b/x", "B/y", "a.txt", "a/b", "Z", "z0")
    on_windows, on_linux = (
        [path.as_posix() for path in sorted(map(kind, names), key=by_parts)]
        for kind in (PureWindowsPath, PurePosixPath)
    )
    assert on_windows == on_linux


def test_kept_maps_work_on_a_temporary_file_with_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, where a file has its name until it is closed."""
    monkeypatch.setattr(tempfile, "TemporaryFile", tempfile.NamedTemporaryFile)
    maps = kept_maps.on_disk((2, 3, 4))
    maps[...] = 1
    assert maps.sum() == 24 and maps.dtype == np.float16


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_glibc_is_used_on_linux_only(monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    def refused(name: str | None) -> None:
        raise AssertionError(f"loads {name}")

    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(ctypes, "CDLL", refused)
    freed_memory.give_back_memory()
    assert freed_memory.keep_freed_memory.__wrapped__() is False


def test_the_cache_has_a_folder_without_user_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "geteuid", raising=False)
    monkeypatch.setenv("USERNAME", "Anne")
    assert jit.fallback_folder.__wrapped__() == Path(tempfile.gettempdir()) / "napari-tally-Anne"
