"""What bytes are: told by the bytes, whatever they are said to be."""

import io
import zipfile

import pytest

from infrastructure.media.content_type import content_type_of

OFFICE = "application/vnd.openxmlformats-officedocument"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(50)
MP4 = b"\0\0\0\x18ftypisom\0\0\2\0isommp42" + bytes(30)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
OGG = b"OggS\0\2" + bytes(22) + b"\x01\x13OpusHead" + bytes(20)


def archive(**files: str) -> bytes:
    """With these files; `__` stands for a slash, `_` for a dot."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        for name, text in files.items():
            opened.writestr(name.replace("__", "/").replace("_", "."), text)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(50) + b"\xff\xd9", "image/jpeg"),
        (b"GIF89a" + bytes(30), "image/gif"),
        (b"RIFF\x30\0\0\0WEBPVP8 " + bytes(30), "image/webp"),
        (b"%PDF-1.4\n\xe2\xe3\xcf\xd3\n\0%%EOF", "application/pdf"),
        (MP4, "video/mp4"),
        (b"ID3\x03\0\0\0\0\0\0" + bytes(30), "audio/mpeg"),
        (b"#!AMR\n\x3c\x08\x01", "audio/amr"),
        (b"RIFF\x30\0\0\0WAVEfmt " + bytes(30), "audio/wav"),
        (archive(word__document_xml="<w/>"), f"{OFFICE}.wordprocessingml.document"),
        (archive(xl__workbook_xml="<w/>"), f"{OFFICE}.spreadsheetml.sheet"),
        (archive(mimetype="application/vnd.oasis.opendocument.text"), "application/vnd.oasis.opendocument.text"),
        (archive(a_txt="hi"), "application/zip"),
        (b"PK\x03\x04 and then nothing of the kind", "application/zip"),
        (b"Hello, where is my parcel?", "text/plain"),
        ("Grüße aus Köln, 你好".encode(), "text/plain"),
        (b"BMW is a car", "text/plain"),
        (("ü" * 40_000).encode(), "text/plain"),
        (b"", "application/octet-stream"),
        (bytes(range(256)), "application/octet-stream"),
    ],
)
def test_files_are_what_their_bytes_say(body: bytes, found: str) -> None:
    assert content_type_of(body) == found
    assert content_type_of(body, "text/html") == found


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"<!DOCTYPE html><html>hi</html>", "text/html"),
        (b"\xef\xbb\xbf  \n<HTML><body onload=x>", "text/html"),
        (b"hello <ScRiPt>alert(1)</script>", "text/html"),
        (b"caf\xe9 <script>alert(1)</script>", "text/html"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x'/>", "image/svg+xml"),
        (b"<?xml version='1.0'?><!-- a --><svg onload='x'/>", "image/svg+xml"),
        (b"<?xml version='1.0'?><?xml-stylesheet href='x'?><a/>", "application/xml"),
        (b"#!/bin/sh\nrm -rf /", "text/x-shellscript"),
        (b"MZ\x90\0" + bytes(60) + b"PE\0\0", "application/vnd.microsoft.portable-executable"),
        (b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(20), "application/java"),
        (archive(**{"META-INF__MANIFEST_MF": "x"}), "application/java-archive"),
        (
            archive(word__document_xml="<w/>", word__vbaProject_bin="x"),
            "application/vnd.ms-word.document.macroenabled.12",
        ),
    ],
)
def test_what_could_act_is_known_whatever_it_is_said_to_be(body: bytes, found: str) -> None:
    for declared in ("", "image/png", "text/plain", "application/pdf"):
        assert content_type_of(body, declared) == found


@pytest.mark.parametrize(
    ("body", "declared", "found"),
    [
        (b"a,b\n1,2\n", "text/csv; charset=utf-8", "text/csv"),
        (b"BEGIN:VCALENDAR\nEND:VCALENDAR", "TEXT/Calendar", "text/calendar"),
        (b"just words", "image/png", "text/plain"),
        (b"just words", "text/javascript", "text/plain"),
        (OGG, "audio/ogg; codecs=opus", "audio/ogg"),
        (OGG, "image/png", "application/ogg"),
        (MP4, "audio/mp4", "audio/mp4"),
        (MP4, "audio/ogg", "video/mp4"),
        (OLE, "application/vnd.ms-excel", "application/vnd.ms-excel"),
        (OLE, "application/x-msi", "application/x-ole-storage"),
    ],
)
def test_the_sender_is_believed_only_where_the_bytes_leave_it_open(body: bytes, declared: str, found: str) -> None:
    assert content_type_of(body, declared) == found
