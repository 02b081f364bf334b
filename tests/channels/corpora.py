"""Real samples made by others (see `corpora/README.md` beside the shared pages); tests that need them skip without."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

CORPORA = Path(os.environ.get("ONETHREAD_CORPORA", "/work/shared/corpora"))


@cache
def mails() -> dict[str, bytes]:
    """Every mail of the corpus by file name."""
    return {path.name: path.read_bytes() for path in _files("mail", "*.eml")}


@cache
def replies() -> dict[str, tuple[str, str]]:
    """Every reply of the corpus by name: the text, and what should be left of it without quotations."""
    return {
        path.stem: (path.read_text("utf-8"), (path.parents[1] / "trimmed" / path.name).read_text("utf-8"))
        for path in _files("replies/emails", "*.txt")
    }


@cache
def whatsapp_payloads() -> dict[str, dict[str, Any]]:
    """Every WhatsApp delivery of the corpus by file and name."""
    return {
        f"{path.stem}/{name}": payload
        for path in _files("whatsapp", "*.json")
        for name, payload in json.loads(path.read_bytes()).items()
    }


@cache
def line_deliveries() -> list[dict[str, Any]]:
    """Every LINE delivery of the corpus."""
    return [json.loads(path.read_bytes()) for path in _files("line", "*.json")]


def _files(folder: str, pattern: str) -> list[Path]:
    if not (found := sorted((CORPORA / folder).glob(pattern))):
        pytest.skip(f"no samples in {CORPORA / folder}")
    return found
