"""Damage files as disks, transfers, other programs and attackers do."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

ODD_NUMBERS = (0, -1, 1, 2, 255, 2**16, 2**31 - 1, 2**31, 2**32, 2**63, 10**18, 1e300, 0.5)
ODD_VALUES: tuple[Any, ...] = (
    *ODD_NUMBERS, None, True, "", "x", "\x1b[31m", "../../etc/passwd", "%s%n", [], {}, [[]],
    float("nan"), float("inf"), [1] * 20, {"a": [{}]},
)  # fmt: skip
HEADER = 2048  # bytes at the start and end, which are damaged more often than the rest
NUMBER = re.compile(rb"-?\d+\.?\d*")


def mutate(files: list[Path], random_: random.Random) -> str:
    """Damage one of the files in place; return what was done."""
    path = random_.choice(files)
    data = path.read_bytes()
    text = b"\0" not in data[:200]
    ways: list[Callable[[bytes, random.Random], bytes]] = [flipped, cut, extreme, moved, inserted]
    ways += [text_number, text_number, json_value, json_value] if text else []
    way = random_.choice(ways)
    if random_.random() < 0.03:
        path.unlink()
        return f"{path.name} removed"
    if random_.random() < 0.02:
        other = random_.choice(files)
        shutil.copy(other, path) if other != path else path.write_bytes(b"")
        return f"{path.name} is {other.name} now, or empty"
    path.write_bytes(way(data, random_))
    return f"{path.name} {way.__name__}"


def place(data: bytes, random_: random.Random) -> int:
    """Return an offset, more often in the header or at the end."""
    near = min(HEADER, len(data))
    choice = random_.random()
    if choice < 0.6:
        return random_.randrange(near) if near else 0
    return len(data) - 1 - random_.randrange(near) if choice < 0.8 else random_.randrange(len(data))


def flipped(data: bytes, random_: random.Random) -> bytes:
    """Flip up to 16 bits."""
    out = bytearray(data)
    for _ in range(random_.randint(1, 16) if out else 0):
        out[place(data, random_)] ^= 1 << random_.randrange(8)
    return bytes(out)


def cut(data: bytes, random_: random.Random) -> bytes:
    """Keep the first part only."""
    return data[: place(data, random_)] if data else data


def extreme(data: bytes, random_: random.Random) -> bytes:
    """Overwrite a number by an extreme one, of 1 to 8 bytes."""
    size = random_.choice((1, 2, 4, 4, 8))
    value = random_.choice(
        (0, 1, 2 ** (8 * size - 1) - 1, 2 ** (8 * size - 1), 2 ** (8 * size) - 1)
    )
    at = place(data, random_) if data else 0
    return data[:at] + value.to_bytes(size, random_.choice(("little", "big"))) + data[at + size :]


def moved(data: bytes, random_: random.Random) -> bytes:
    """Copy a block of bytes to another place."""
    if not data:
        return data
    size, source, target = random_.randint(1, 512), place(data, random_), place(data, random_)
    return data[:target] + data[source : source + size] + data[target + size :]


def inserted(data: bytes, random_: random.Random) -> bytes:
    """Insert up to 200 random bytes."""
    at = place(data, random_) if data else 0
    return data[:at] + random_.randbytes(random_.randint(1, 200)) + data[at:]


def text_number(data: bytes, random_: random.Random) -> bytes:
    """Replace a number in a text."""
    found = list(NUMBER.finditer(data[:100_000]))
    if not found:
        return flipped(data, random_)
    one = random_.choice(found)
    return data[: one.start()] + str(random_.choice(ODD_NUMBERS)).encode() + data[one.end() :]


def json_value(data: bytes, random_: random.Random) -> bytes:
    """Replace or remove a value of a JSON file."""
    try:
        content = json.loads(data)
    except ValueError:
        return text_number(data, random_)
    places = list(_places(content))
    if not places:
        return text_number(data, random_)
    holder, key = random_.choice(places)
    if random_.random() < 0.2:
        del holder[key]
    else:
        holder[key] = random_.choice(ODD_VALUES)
    return json.dumps(content).encode()


def _places(value: Any) -> Any:
    """Yield each container with each of its keys."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)
