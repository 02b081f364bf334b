"""Quotations that mail programs mark in their HTML."""

from datetime import UTC, datetime

import pytest

from channels.email import parse
from channels.mail.quotes import kept_of

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
QUOTED = "Dear Ana, is the parcel blue or is it green?"
PROGRAMS = {
    "gmail": '<div dir="ltr">Blue.</div><br>'
    '<div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">'
    f'On Sat, 21 Nov 2026 at 10:00, Shop &lt;<a href="mailto:h@s.example">h@s.example</a>&gt; wrote:<br></div>'
    f'<blockquote class="gmail_quote">{QUOTED}</blockquote></div>',
    "apple": '<html><body>Blue.<br><div><br><blockquote type="cite"><div>On 21. Nov 2026, at 10:00, Shop wrote:</div>'
    f"<br><div>{QUOTED}</div></blockquote></div></body></html>",
    "outlook": '<div class="WordSection1"><p class="MsoNormal">Blue.</p><div><div style="border:none;border-top:'
    'solid #E1E1E1 1.0pt;padding:3pt"><p class="MsoNormal"><b>From:</b> Shop<br><b>Sent:</b> Saturday<br>'
    f"<b>Subject:</b> Parcel</p></div></div><p class=MsoNormal>{QUOTED}</p></div>",
    "outlook_web": '<div>Blue.</div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg" dir="ltr">'
    f"<b>From:</b> Shop<br><b>Sent:</b> Saturday<br><b>Subject:</b> Parcel</div><div>{QUOTED}</div>",
    "yahoo": '<div>Blue.</div><div id="ydp1" class="yahoo_quoted">'
    "<div>On Saturday, 21 November 2026 at "
    f"10:00, Shop &lt;h@s.example&gt; wrote:</div><div>{QUOTED}</div></div>",
    "thunderbird": '<p>Blue.</p><div class="moz-cite-prefix">Am 21.11.2026 um 10:00 schrieb Shop:<br></div>'
    f'<blockquote type="cite" cite="mid:1@x"><p>{QUOTED}</p></blockquote>',
    "proton": '<div>Blue.</div><div class="protonmail_quote">On Saturday, November 21st, 2026 at 10:00 AM, Shop '
    f'&lt;h@s.example&gt; wrote:<br><blockquote class="protonmail_quote" type="cite">{QUOTED}</blockquote></div>',
    "gmx": "<div>Blue.<div>&nbsp;<div name='quote'><div><b>Gesendet:</b> Samstag<br><b>Von:</b> Shop"
    f"<br><b>An:</b> Ana<br><b>Betreff:</b> Paket</div><div name='quoted-content'>{QUOTED}</div></div></div></div>",
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_a_program_marks_is_folded_in_a_mail_of_markup_alone(program: str) -> None:
    raw = b"From: ana@example.org\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + PROGRAMS[program].encode()

    content = parse(raw, received_at=NOON).message.content

    assert [content.text[one.start : one.end] for one in content.kept] == ["Blue."]
    assert (QUOTED in content.text, content.html) == (True, PROGRAMS[program])


def test_markup_tells_where_the_text_beside_it_has_no_sign() -> None:
    kept = kept_of(f"Blue.\n\n{QUOTED}", PROGRAMS["apple"].replace("On 21. Nov 2026, at 10:00, Shop wrote:", ""))

    assert (kept.rule, [(one.start, one.end) for one in kept.passages]) == ("markup", [(0, 5)])


def test_an_answer_below_what_is_marked_is_shown() -> None:
    html = f'<blockquote type="cite">{QUOTED}</blockquote><p>Blue.</p>'

    assert kept_of(f"{QUOTED}\n\nBlue.", html).passages == ()
    assert [
        (one.start, one.end) for one in kept_of(f"On 2026-11-21 10:00, S wrote:\n> {QUOTED}\n\nBlue.", html).passages
    ]


def test_a_mark_without_its_words_in_the_text_decides_nothing() -> None:
    kept = kept_of("Blue.\n\nOn 2026-11-21 10:00, Shop wrote:\n> other words", PROGRAMS["gmail"])

    assert kept.rule == "attribution"


def test_a_lonely_quotation_is_shown() -> None:
    assert kept_of(QUOTED, f'<blockquote type="cite">{QUOTED}</blockquote>').passages == ()
