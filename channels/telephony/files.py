"""Files of call detail records, in the format that is named or that they look like."""

from zoneinfo import ZoneInfo

from channels.telephony.asterisk import read_csv
from channels.telephony.freeswitch import read_json_cdr, read_xml_cdr
from channels.telephony.records import Read

FORMATS = ("asterisk", "freeswitch-json", "freeswitch-xml")


def looks_like(raw: bytes) -> str:
    """The format that a file begins like: `{` or `[` is JSON, `<` is XML, everything else CSV."""
    first = raw[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return "freeswitch-xml" if first == b"<" else "freeswitch-json" if first in (b"{", b"[") else "asterisk"


def read_records(raw: bytes, file_format: str, *, name: str, zone: ZoneInfo, read: Read) -> None:
    """Adds what is in a file to `read`; `zone` is where times without one were written. Raises nothing."""
    match file_format or looks_like(raw):
        case "freeswitch-json":
            read_json_cdr(raw, name=name, read=read)
        case "freeswitch-xml":
            read_xml_cdr(raw, name=name, read=read)
        case _:
            read_csv(raw, name=name, zone=zone, read=read)
