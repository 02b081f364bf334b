"""Structured logs: one JSON object a line on standard error, without personal data."""

import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

import msgspec
from typing_extensions import override

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class JsonLines(logging.Formatter):
    """`{"at": "2026-11-11T00:00:01.5Z", "level": "info", "logger": "api.app", "message": "…", "error": "…"}`

    Of an error its type and the places it passed are written, never its text: texts quote what people wrote.
    """

    @override
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in STANDARD}
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])
            line["where"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        return msgspec.json.encode(line, enc_hook=str).decode()


def set_up_logs(level: str) -> None:
    """Sends every log of the process through JsonLines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # below that it writes addresses and tickets
    logging.getLogger("httpx").setLevel(logging.WARNING)  # below that it writes URLs, and Tencent's hold access tokens
