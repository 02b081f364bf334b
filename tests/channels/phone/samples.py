"""Call detail records as Asterisk and FreeSWITCH write them."""

from urllib.parse import quote
from zoneinfo import ZoneInfo

from channels import phone
from channels.telephony.files import read_records
from channels.telephony.records import Read, calls_in
from domain.calls.intake import Call
from tests.channels.posted import NOON

BERLIN = ZoneInfo("Europe/Berlin")
SETTINGS = phone.Settings(region="DE", own_numbers=frozenset({"+4930123456"}))
LI_NA = '"""Li Na"" <030901820>"'
UUID = "8a3c4e2e-1111-4d2c-9b0a-000000000001"


def read(*files: str | bytes, file_format: str = "") -> Read:
    found = Read()
    for number, one in enumerate(files, start=1):
        raw = one.encode() if isinstance(one, str) else one
        read_records(raw, file_format, name=f"file{number}", zone=BERLIN, read=found)
    return found


def calls(*files: str | bytes) -> list[Call]:
    found = read(*files)
    told = [call for _, call in calls_in(found, SETTINGS, now=NOON)]
    assert not found.refused, found.refused
    return told


def cdr(
    caller: str = "030901820",
    called: str = "204",
    *further: str,
    start: str = "2026-11-21 10:30:00",
    ended: str = "ANSWERED",
    answer: str = "",
    talk: int = 95,
    app: str = "Dial",
    to: str = "SIP/204-00000002",
    name: str = LI_NA,
) -> str:
    """A line of Master.csv."""
    line = f'"","{caller}","{called}","from-trunk",{name},"SIP/trunk-00000001","{to}","{app}","SIP/204,20","{start}"'
    rest = "".join(f',"{cell}"' for cell in further)
    return f'{line},"{answer or start}","2026-11-21 10:31:40",{talk + 5},{talk},"{ended}","DOCUMENTATION"{rest}\n'


def a_json_cdr(start: str = "1763717400123456", **variables: str) -> dict[str, object]:
    given = {"uuid": UUID, "call_uuid": UUID, "start_uepoch": start, "billsec": "95", "answer_epoch": "1763717405"}
    first = {"caller_profile": {"caller_id_number": quote("+4930901820"), "destination_number": "030123456"}}
    last = {"caller_profile": {"caller_id_number": "030901820", "destination_number": "204"}}
    return {"core-uuid": "c", "variables": given | variables, "callflow": [last, first]}


def an_xml_cdr(**variables: str) -> str:
    given = {"uuid": UUID, "start_epoch": "1763717400", "billsec": "95", "hangup_cause": "NORMAL_CLEARING"}
    told = "".join(f"<{name}>{value}</{name}>" for name, value in (given | variables).items())
    profile = "<caller_id_name>Li%20Na</caller_id_name><caller_id_number>%2B4930901820</caller_id_number>"
    flow = f"<caller_profile>{profile}<destination_number>030123456</destination_number></caller_profile>"
    return f'<cdr core-uuid="c"><variables>{told}</variables><callflow>{flow}</callflow></cdr>'
