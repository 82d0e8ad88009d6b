"""Addresses of sources: which pass, and that no secret of theirs is ever shown."""

from __future__ import annotations

import json
import string
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.errors import StreamError
from geodata.settings import settings
from geodata.video.addresses import Origin, Source, parse_source, shown_address
from geodata.video.failures import Failure, SourceError

SECRET = "s3cr3t"


def test_each_scheme_has_its_origin(tmp_path: Path) -> None:
    for address, origin in [
        ("clip:a.mp4", Origin.FILE),
        ("folder:drop", Origin.FOLDER),
        ("rtsp://host/a", Origin.RTSP),
        ("RTSPS://host:7441/a?b=c", Origin.RTSP),
        ("http://[::1]:8080/a.jpg", Origin.WEB),
        ("https://host/live/index.m3u8", Origin.WEB),
        (str(tmp_path / "a.mp4"), Origin.FILE),
        ((tmp_path / "a b.mp4").as_uri(), Origin.FILE),
        (str(tmp_path), Origin.FOLDER),
    ]:
        source = parse_source(address, clips_dir=tmp_path)
        assert source.origin is origin
        assert (source.path is None) == (origin in (Origin.RTSP, Origin.WEB)) == (source.address is not None)
    assert parse_source((tmp_path / "a b.mp4").as_uri(), clips_dir=tmp_path).path == tmp_path / "a b.mp4"
    assert parse_source("clip:a.mp4").path == settings().clips_dir / "a.mp4"
    assert parse_source("clip:a.mp4", loop=True).loop


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("rtsp://cam/a", ("cam", 554)),
        ("rtsps://cam/a", ("cam", 322)),
        ("http://u:p@cam/a", ("cam", 80)),
        ("https://[fe80::1]:8443/a", ("fe80::1", 8443)),
        ("clip:a.mp4", None),
    ],
)
def test_a_source_knows_whom_it_asks(address: str, host: tuple[str, int] | None) -> None:
    assert parse_source(address).host == host


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a.mp4",
        "../a.mp4",
        "concat:/etc/passwd|/etc/hosts",
        "subfile,,start,0,end,9,,:/etc/passwd",
        "data:video/mp4;base64,AAAA",
        "async:rtsp://host/a",
        "cache:http://host/a",
        "crypto+http://host/a",
        "pipe:0",
        "fd:3",
        "unix:/run/a.sock",
        "tcp://host:1",
        "udp://host:1",
        "rtp://host:1",
        "ftp://host/a",
        "gopher://host/a",
        "rtmp://host/a",
        "hls+http://host/a",
        "lavfi:testsrc",
        "-i",
        "rtsp:host/a",
        "rtsp:///a",
        "rtsp://host:port/a",
        "rtsp://host:0/a",
        "rtsp://host:99999/a",
        "http://host/a b",
        "http://host/a\r\nX-Evil: 1",
        "http://host/a\0",
        "http://[::1/a",
        "clip:",
        "clip:..",
        "clip:../a.mp4",
        "clip:/etc/passwd",
        "clip:a\0b",
        "folder:..",
        "folder:a/b",
        "file://elsewhere/a.mp4",
        "file:a.mp4",
    ],
)
def test_no_other_address_passes(address: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        parse_source(address, clips_dir=tmp_path)
    assert caught.value.kind is Failure.UNSUPPORTED and caught.value.mend
    assert isinstance(caught.value, StreamError)


def test_a_path_leads_only_into_the_folders_that_are_allowed(tmp_path: Path) -> None:
    clips, more, secret = tmp_path / "clips", tmp_path / "more", tmp_path / "secret"
    for folder in (clips, more, secret):
        folder.mkdir()
        (folder / "a.mp4").touch()
    (clips / "way").symlink_to(secret)
    assert parse_source(str(more / "a.mp4"), clips_dir=clips, folders=[more]).path == more / "a.mp4"
    for address in [
        str(secret / "a.mp4"),
        str(clips / ".." / "secret" / "a.mp4"),
        str(clips / "way" / "a.mp4"),
        (secret / "a.mp4").as_uri(),
        f"file://{clips}/%2e%2e/secret/a.mp4",
        str(clips) + "x/a.mp4",
        str(more / "a.mp4"),
        "/etc/passwd",
    ]:
        with pytest.raises(SourceError, match="outside the folders") as caught:
            parse_source(address, clips_dir=clips)
        assert caught.value.kind is Failure.UNSUPPORTED


secrets = st.text(string.ascii_letters + string.digits + "@:/?#&=%+!$é密 ", max_size=12).map(
    lambda text: f"{text[: len(text) // 2]}{SECRET}{text[len(text) // 2 :]}"
)


def shows_nothing(source: Source) -> None:
    for told in (source.shown, repr(source), str(source), f"{source}", repr(asdict(source)), repr([source])):
        assert SECRET not in told


@given(
    user=secrets,
    password=secrets,
    key=st.sampled_from(["pwd", "password", "token", "x"]),
    scheme=st.sampled_from(["rtsp", "https"]),
)
def test_a_password_is_never_shown(user: str, password: str, key: str, scheme: str) -> None:
    user, password = quote(user, safe=""), quote(password, safe="")
    source = parse_source(f"{scheme}://{user}:{password}@cam:81/live?{key}={password}&ch=1#{password}")
    assert source.shown == f"{scheme}://…@cam:81/live?…"
    assert source.address is not None and password in source.address.get_secret_value()
    shows_nothing(source)


@given(password=secrets)
def test_a_password_that_was_not_escaped_is_not_shown_either(password: str) -> None:
    address = f"rtsp://admin:{password}@cam/live"
    try:
        shows_nothing(parse_source(address))
    except SourceError as error:
        for told in (str(error), repr(error), json.dumps(error.told())):
            assert SECRET not in told


def test_a_password_in_the_path_is_not_shown() -> None:
    source = parse_source(f"rtsp://cam/user=admin&password={SECRET}&channel=1&stream=0.sdp")
    assert source.shown == "rtsp://cam/user=…&password=…&channel=1&stream=0.sdp"
    shows_nothing(source)


@given(st.text())
def test_showing_an_address_twice_changes_nothing(address: str) -> None:
    once = shown_address(address)
    assert shown_address(once) == once
