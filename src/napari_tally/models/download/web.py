"""Requests to servers: https only, whatever they redirect to, with limits and sentences."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from importlib.metadata import version
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from ...core.errors import FileError, InputError, printable

_SECONDS = 30  # without an answer
_LONGEST = 2**24  # bytes of a description
_LOCAL = ("127.0.0.1", "localhost", "::1")
_REASONS = {
    401: "it needs a login", 403: "it needs a login or an agreement to its licence",
    404: "there is no such file or model", 410: "it was removed",
    429: "there were too many requests",
}  # fmt: skip


class OfflineError(FileError):
    """A server that cannot be reached."""


class _Redirects(HTTPRedirectHandler):
    """Follows redirects to https, or within a server on this machine, and refuses others."""

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        here, there = urlsplit(req.full_url), urlsplit(newurl)
        within = here.hostname in _LOCAL and here.hostname == there.hostname
        if there.scheme != "https" and not (within and there.scheme == here.scheme):
            raise InputError(
                f"{here.hostname} redirects to {printable(newurl)}, which is not https"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def check_address(address: str) -> str:
    """Return an address of https, or of http on this machine.

    Raises
    ------
    InputError
        If it is another.
    """
    try:
        parts = urlsplit(address)
        local = parts.hostname in _LOCAL
    except ValueError as error:
        raise InputError(f"{printable(address)} is no address: {error}") from None
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
        raise InputError(
            f"{printable(address)} is no address of https",
            hint="Files are downloaded by https only",
        )
    return address


@contextmanager
def opened(address: str, headers: dict[str, str] | None = None) -> Iterator[HTTPResponse]:
    """Open an address; the body is read by the caller.

    Raises
    ------
    InputError
        If it is not https, or redirects to what is not.
    OfflineError
        If there is no answer.
    FileError
        If the server refuses.
    """
    agent = {"User-Agent": f"napari-tally/{version('napari-tally')}"}
    request = Request(check_address(address), headers=agent | (headers or {}))
    host = urlsplit(address).hostname
    try:
        with _opener().open(request, timeout=_SECONDS) as response:
            yield response
    except HTTPError as error:
        reason = _REASONS.get(error.code, printable(str(error.reason)))
        raise FileError(f"{printable(address)} cannot be had: {reason} ({error.code})") from error
    except (URLError, TimeoutError, ConnectionError, HTTPException) as error:
        cause = str(getattr(error, "reason", "") or error) or type(error).__name__
        raise OfflineError(
            f"{host} gives no answer: {printable(cause)}",
            hint="Check the connection, or download where there is one and use --from-folder here",
        ) from error


def read_text(address: str) -> str:
    """Return the text at an address, of limited size.

    Raises
    ------
    FileError
        If it cannot be had, is too long or no text.
    """
    with opened(address) as response:
        content = response.read(_LONGEST + 1)
    if len(content) > _LONGEST:
        raise FileError(f"{printable(address)} is longer than any description")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileError(f"{printable(address)} is no text: {error.reason}") from error


def read_json(address: str) -> dict[str, Any]:
    """Return the JSON object at an address.

    Raises
    ------
    FileError
        If it cannot be had or is something else.
    """
    try:
        found = json.loads(read_text(address))
    except (ValueError, RecursionError) as error:
        raise FileError(f"{printable(address)} is no JSON") from error
    if not isinstance(found, dict):
        raise FileError(f"{printable(address)} is no JSON object")
    return found


def _opener() -> OpenerDirector:
    """Return an opener that knows neither file: nor ftp: nor data:."""
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(), HTTPHandler(), HTTPSHandler(), HTTPDefaultErrorHandler(), _Redirects(),
        HTTPErrorProcessor(),
    ):  # fmt: skip
        opener.add_handler(handler)
    return opener
