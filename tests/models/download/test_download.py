"""Downloads are checked, resumed, cached, and refused where they may not go."""

from __future__ import annotations

import errno
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_server import Site, serving
from packages import package

from napari_tally.core.errors import FileError, InputError, ModelError
from napari_tally.core.progress import drain
from napari_tally.models.download import download as downloads
from napari_tally.models.download import web
from napari_tally.models.download.download import Download, Item, fetch_steps, kept_download
from napari_tally.models.download.sources import look_up

CONTENT = bytes(range(256)) * 4000


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("TALLY_CACHE", str(tmp_path / "cache"))
    with serving() as one:
        monkeypatch.setenv("TALLY_HUB", one.address)
        monkeypatch.setenv("TALLY_BIOIMAGEIO", one.address)
        yield one


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def one(site: Site, **changes) -> Download:
    address = site.put("/a.onnx", CONTENT)
    item = Item(name="a.onnx", address=address, size=len(CONTENT), sha256=sha(CONTENT))
    return Download(source="test", items=(item.model_copy(update=changes),), start="a.onnx")


def hub(site: Site, files: dict[str, bytes], licence: str | None = "mit") -> None:
    """Put a repository on the server, small files in git, others in LFS."""
    siblings = []
    for name, content in files.items():
        site.put(f"/me/net/resolve/c0ffee/{name}", content)
        entry = {"rfilename": name, "size": len(content)}
        if name.endswith((".safetensors", ".onnx", ".bin")):
            entry["lfs"] = {"sha256": sha(content), "size": len(content)}
        else:
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False)
            entry["blobId"] = blob.hexdigest()
        siblings.append(entry)
    answer = {"sha": "c0ffee", "siblings": siblings, "cardData": {"license": licence}}
    site.put("/api/models/me/net/revision/main", answer)


def test_a_file_is_downloaded_once(site: Site) -> None:
    path = drain(fetch_steps(one(site)))
    assert path.read_bytes() == CONTENT
    before = len(site.asked)
    assert drain(fetch_steps(one(site))) == path
    assert len(site.asked) == before


def test_a_stopped_download_goes_on_where_it_was(site: Site) -> None:
    steps = fetch_steps(one(site))
    next(steps)
    steps.close()  # as Cancel does
    part = one(site).folder / "a.onnx.part"
    got = part.stat().st_size
    assert 0 < got < len(CONTENT)
    assert drain(fetch_steps(one(site))).read_bytes() == CONTENT
    assert site.asked[-1] == ("/a.onnx", f"bytes={got}-")
    assert not part.exists()


def test_a_lost_connection_is_tried_again_from_there(site: Site) -> None:
    site.cut["/a.onnx"] = 1000
    assert drain(fetch_steps(one(site))).read_bytes() == CONTENT
    assert site.asked == [("/a.onnx", ""), ("/a.onnx", "bytes=1000-")]


def test_a_file_that_changed_meanwhile_is_downloaded_anew(site: Site) -> None:
    steps = fetch_steps(one(site))
    next(steps)
    steps.close()
    new = CONTENT[::-1]
    site.files["/a.onnx"] = new
    item = Item(name="a.onnx", address=f"{site.address}/a.onnx", size=len(new), sha256=sha(new))
    path = drain(fetch_steps(Download(source="test", items=(item,), start="a.onnx")))
    assert path.read_bytes() == new


def test_a_server_that_cannot_resume_sends_all_again(site: Site) -> None:
    site.cut["/a.onnx"] = 1000
    site.no_range = True
    assert drain(fetch_steps(one(site))).read_bytes() == CONTENT


def test_a_truncated_file_is_an_error_that_says_how_far_it_got(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises((FileError, ModelError), match=r"ended after 1,024,000 of 1,024,010 bytes"):
        drain(fetch_steps(one(site, size=len(CONTENT) + 10)))


def test_a_wrong_checksum_is_refused_and_nothing_is_kept(site: Site) -> None:
    with pytest.raises(ModelError, match="not the file that the source states"):
        drain(fetch_steps(one(site, sha256="0" * 64)))
    assert not list(one(site).folder.glob("a.onnx*"))


def test_more_bytes_than_stated_are_not_taken(site: Site) -> None:
    with pytest.raises(ModelError, match="larger than the source states"):
        drain(fetch_steps(one(site, size=5000, sha256="")))


def test_a_full_disk_is_said_before_and_during(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(FileError, match=r"needs 1\.0 MB, but .* has 1\.0 kB left"):
        drain(fetch_steps(one(site)))
    monkeypatch.undo()

    def full(response: object) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(downloads, "_chunk", full)
    monkeypatch.setenv("TALLY_CACHE", str(one(site).folder))
    with pytest.raises(FileError, match="the disk is full"):
        drain(fetch_steps(one(site)))


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "http://example.org/a.onnx",
        "ftp://example.org/a.onnx",
        "https://",
        "x",
    ],
)
def test_only_https_is_opened(address: str) -> None:
    with pytest.raises(InputError, match="no address of https"), web.opened(address):
        pass


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "http://example.org/a.onnx", "ftp://example.org/x"]
)
def test_redirects_to_anything_else_are_not_followed(site: Site, target: str) -> None:
    site.redirects["/away"] = target
    refused = r"redirects to .* which is not https|is not allowed"
    with pytest.raises((InputError, FileError), match=refused):
        web.read_text(f"{site.address}/away")


def test_redirects_of_the_hub_are_followed(site: Site) -> None:
    download = one(site)
    site.redirects["/a.onnx"] = f"{site.address}/store/a"
    site.put("/store/a", CONTENT)
    assert drain(fetch_steps(download)).read_bytes() == CONTENT


def test_no_answer_is_a_sentence_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLY_HUB", "http://127.0.0.1:9")
    with pytest.raises(web.OfflineError, match=r"gives no answer.*--from-folder"):
        look_up("hf:me/net")


def test_the_hub_gives_the_files_of_our_formats_and_their_licence(site: Site) -> None:
    files = {
        "config.json": b"{}",
        "model.safetensors": CONTENT,
        "pytorch_model.bin": b"pickle",
        "modeling.py": b"import os",
        "README.md": b"# Net",
    }
    hub(site, files)
    found = look_up("hf:me/net")
    assert {item.name for item in found.items} == {"config.json", "model.safetensors", "README.md"}
    assert (found.licence, found.revision) == ("mit", "c0ffee")
    assert "1.0 MB" in found.sentences[0] and "Licence: mit" in found.sentences
    folder = drain(fetch_steps(found))
    assert (folder / "model.safetensors").read_bytes() == CONTENT
    assert (folder / "config.json").read_bytes() == b"{}"


def test_files_of_git_are_compared_with_its_checksum(site: Site) -> None:
    hub(site, {"config.json": b"{}", "model.safetensors": CONTENT})
    found = look_up("hf:me/net")
    site.files["/me/net/resolve/c0ffee/config.json"] = b"[]"
    with pytest.raises(ModelError, match=r"config\.json is not the file"):
        drain(fetch_steps(found))


def test_one_file_of_a_repository_can_be_named(site: Site) -> None:
    hub(site, {"a.onnx": CONTENT, "b.onnx": CONTENT})
    found = look_up("hf:me/net/b.onnx")
    assert [item.name for item in found.items] == ["b.onnx"]
    assert drain(fetch_steps(found)).name == "b.onnx"


def test_a_repository_of_pickles_alone_is_refused(site: Site) -> None:
    hub(site, {"pytorch_model.bin": CONTENT, "config.json": b"{}"})
    with pytest.raises(ModelError, match="has no model in a format that is read"):
        look_up("hf:me/net")


@pytest.mark.parametrize(
    "name", ["../evil.onnx", "/etc/evil.onnx", "a/../../evil.onnx", "c:evil.onnx"]
)
def test_names_that_lead_out_of_the_folder_are_refused(site: Site, name: str) -> None:
    with pytest.raises(ValueError, match="no name of a file in a folder"):
        Item(name=name, address=f"{site.address}/x")


def test_a_model_of_the_collection_is_downloaded_with_its_tests(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = package(tmp_path / "tiny", after=({"id": "sigmoid"},), truth=lambda x: x * 0 + 1)
    for path in folder.iterdir():
        site.put(f"/affable-shark/files/{path.name}", path.read_bytes())
    found = look_up("bioimageio:affable-shark")
    assert found.licence == "CC-BY-4.0"
    names = {item.name for item in found.items}
    assert names == {"rdf.yaml", "weights.onnx", "in.npy", "out.npy"}
    got = drain(fetch_steps(found))
    assert (got / "weights.onnx").read_bytes() == (folder / "weights.onnx").read_bytes()


def test_an_address_may_state_its_checksum(site: Site) -> None:
    address = site.put("/models/a.onnx", CONTENT)
    assert drain(fetch_steps(look_up(f"{address}#sha256={sha(CONTENT)}"))).read_bytes() == CONTENT
    with pytest.raises(ModelError, match="not the file"):
        drain(fetch_steps(look_up(f"{address}#sha256={'0' * 64}")))
    assert any("no checksum" in line for line in look_up(address).sentences)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("segformer", "is no source of models"),
        ("hf:net", "is no source of models"),
        ("hf:../../x", "is no source of models"),
        ("https://example.org/", "does not end in the name of a file"),
        ("https://example.org/a.onnx#md5=1", "no checksum"),
    ],
)
def test_other_sources_are_refused(source: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        look_up(source)


def test_a_missing_model_is_a_sentence(site: Site) -> None:
    with pytest.raises(FileError, match="there is no such file or model"):
        look_up("hf:me/other")


def test_a_copied_download_works_without_a_network(site: Site, tmp_path: Path) -> None:
    hub(site, {"config.json": b"{}", "model.safetensors": CONTENT})
    folder = drain(fetch_steps(look_up("hf:me/net")))
    shutil.copytree(folder, tmp_path / "stick" / folder.name)
    site.asked.clear()
    download, path = kept_download("hf:me/net", tmp_path / "stick")
    assert download.licence == "mit"
    assert (path / "model.safetensors").read_bytes() == CONTENT
    assert site.asked == []
    (path / "model.safetensors").write_bytes(CONTENT[:-1])
    with pytest.raises(ModelError, match="not the file that was downloaded"):
        kept_download("hf:me/net", tmp_path / "stick")
    with pytest.raises(FileError, match="has no download of hf:me/another"):
        kept_download("hf:me/another", tmp_path / "stick")
