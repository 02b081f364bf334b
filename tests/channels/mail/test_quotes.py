"""Quotations in plain text: folded where that is sure, never where a person's own words would go with them."""

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mail.quotes import kept_of
from channels.mail.quoting.lines import is_attribution
from tests.channels.corpora import replies

ATTRIBUTIONS = """
On Mon, Feb 1, 2016 at 6:32 PM, Ana <ana@example.org> wrote:
On Saturday, November 21st, 2026 at 10:00 AM, Ana <ana@example.org> wrote:
On 2026-11-21 10:00, Ana wrote:
---- On Tue, 22 Dec 2015 14:17:36 +0530 Ana <ana@example.org> wrote ----
Am 21.11.2026 um 10:00 schrieb Ana Muster:
Am Sa., 21. Nov. 2026 um 10:00 Uhr schrieb Ana Muster <ana@example.org>:
Ana Muster <ana@example.org> schrieb am Fr., 28. Apr. 2017 um 11:53 Uhr:
Le sam. 21 nov. 2026 à 10:00, Ana <ana@example.org> a écrit :
Le 21/11/2026 à 10:00, Ana a écrit :
El sáb, 21 nov 2026 a las 10:00, Ana (<ana@example.org>) escribió:
El jueves, 21 de noviembre de 2013, Ana escribió:
В сб, 21 нояб. 2026 г. в 10:00, Ana <ana@example.org>:
понедельник, 6 октября 2014 г. пользователь Ana написал:
21.11.2026 10:00, Ana пишет:
Em sáb., 21 de nov. de 2026 às 10:00, Ana <ana@example.org> escreveu:
Il giorno sab 21 nov 2026 alle ore 10:00 Ana <ana@example.org> ha scritto:
Op za 21 nov. 2026 om 10:00 schreef Ana <ana@example.org>:
Op 21-11-2026 om 10:00 schreef Ana:
W dniu 21.11.2026 o 10:00, Ana pisze:
sob., 21 lis 2026 o 10:00 Ana <ana@example.org> napisał(a):
Den lör 21 nov. 2026 kl 10:00 skrev Ana <ana@example.org>:
lør. 21. nov. 2026 kl. 10:00 skrev Ana <ana@example.org>:
Den 21.11.2026 kl. 10.00 skrev Ana:
la 21. marrask. 2026 klo 10.00 Ana (ana@example.org) kirjoitti:
Ana <ana@example.org>, 21 Kas 2026 Cmt, 10:00 tarihinde şunu yazdı:
2026년 11월 21일 (토) 오전 10:00, Ana <ana@example.org>님이 작성:
2026年11月21日(土) 10:00 Ana <ana@example.org>:
2026/11/21 10:00、Ana <ana@example.org>のメール:
Ana <ana@example.org> 于2026年11月21日周六 10:00写道：
在 2026年11月21日，上午10:00，Ana <ana@example.org> 写道：
Ana <ana@example.org> 於 2026年11月21日 週六 上午10:00寫道：
so 21. 11. 2026 v 10:00 odesílatel Ana <ana@example.org> napsal:
Ana <ana@example.org> ezt írta (időpont: 2026. nov. 21., Szo, 10:00):
Στις Σάβ 21 Νοε 2026 στις 10:00 π.μ., ο χρήστης Ana <ana@example.org> έγραψε:
În sâm., 21 nov. 2026 la 10:00, Ana <ana@example.org> a scris:
Pada Sab, 21 Nov 2026 10.00, Ana <ana@example.org> menulis:
Vào Th 7, 21 thg 11, 2026 vào lúc 10:00 Ana <ana@example.org> đã viết:
""".strip().splitlines()  # noqa: RUF001 - Russian, Chinese and others are what is read here
HEADER_BLOCKS = """
From: Ana|Sent: Monday|To: Shop|Subject: Parcel
Von: Ana|Gesendet: Montag|An: Shop|Betreff: Paket
De : Ana|Envoyé : lundi|À : Shop|Objet : Colis
De: Ana|Enviado el: lunes|Para: Shop|Asunto: Paquete
De: Ana|Enviada em: segunda-feira|Para: Shop|Assunto: Pacote
Da: Ana|Inviato: lunedì|A: Shop|Oggetto: Pacco
Van: Ana|Verzonden: maandag|Aan: Shop|Onderwerp: Pakket
Från: Ana|Skickat: den 5 juni|Till: Shop|Ämne: Paket
Fra: Ana|Sendt: mandag|Til: Shop|Emne: Pakke
Lähettäjä: Ana|Lähetetty: maanantai|Vastaanottaja: Shop|Aihe: Paketti
Od: Ana|Wysłano: poniedziałek|Do: Shop|Temat: Paczka
От: Ana|Отправлено: понедельник|Кому: Shop|Тема: Посылка
Kimden: Ana|Gönderildi: Pazartesi|Kime: Shop|Konu: Paket
发件人: Ana|发送时间: 2026年|收件人: Shop|主题: 包裹
寄件者：Ana|寄件日期：2026年|收件者：Shop|主旨：包裹
差出人: Ana|送信日時: 2026年|宛先: Shop|件名: 荷物
보낸 사람: Ana|보낸 날짜: 2026년|받는 사람: Shop|제목: 소포
Šalje: Ana|Datum: ponedjeljak|Prima: Shop|Predmet: Paket
De la: Ana|Date: luni|Către: Shop|Subject: Pachet
Expeditorul: Ana|Data: luni|Destinatarul: Shop|Subiectul: Pachet
Отправитель: Ana|Дата: понедельник|Кому: Shop|Тема: Посылка
Від кого: Ana|Дата: понеділок|Кому: Shop|Тема: Посилка
Od: Ana|Dátum: pondelok|Pre: Shop|Predmet: Balík
Nadawca: Ana|Data: poniedziałek|Adresat: Shop|Temat: Paczka
De: Ana|Date: lundi|Pour: Shop|Sujet: Colis
Saatja: Ana|Date: esmaspäev|To: Shop|Subject: Pakk
""".strip().splitlines()  # noqa: RUF001 - as above


def shown(text: str, html: str = "") -> str:
    """What is shown at first, the passages on lines of their own."""
    kept = kept_of(text, html)
    return "\n".join(text[one.start : one.end] for one in kept.passages) if kept.passages else text


def said(text: str) -> Counter[str]:
    return Counter(line.strip() for line in text.splitlines() if line.strip())


def test_replies_keep_what_was_said_and_lose_what_was_quoted(tell: Callable[[str], None]) -> None:
    results = {name: (said(shown(text)), said(expected)) for name, (text, expected) in replies().items()}

    right = [name for name, (got, expected) in results.items() if got == expected]
    lost = [name for name, (got, expected) in results.items() if expected - got]
    tell(f"Replies right: {len(right)} of {len(results)}; with lost lines: {len(lost)}")
    assert len(right) >= 58
    assert not lost


@pytest.mark.parametrize("line", ATTRIBUTIONS)
def test_an_attribution_is_known_in_many_languages(line: str) -> None:
    quoting = f"Yes, please.\n\n{line}\n\nquoted without any sign"

    assert (shown(quoting), kept_of(quoting).rule) == ("Yes, please.", "attribution")


@pytest.mark.parametrize("line", [one for one in ATTRIBUTIONS if " " in one])
def test_an_attribution_may_be_broken_anywhere(line: str) -> None:
    words = line.split(" ")
    for place in range(1, len(words)):
        text = f"Yes, please.\n\n{' '.join(words[:place])}\n{' '.join(words[place:])}\n\n> quoted"

        assert set(said(shown(text))) - {" ".join(words[:place]), " ".join(words[place:])} == {"Yes, please."}


@pytest.mark.parametrize("block", HEADER_BLOCKS)
def test_copied_headers_are_known_in_many_languages(block: str) -> None:
    text = "Yes, please.\n\n" + block.replace("|", "\n") + "\n\nquoted without any sign"

    assert (shown(text), kept_of(text).rule) == ("Yes, please.", "header_block")


@pytest.mark.parametrize(
    "line",
    [
        "On 5 May 2016 I wrote you about these problems:",
        "Please send it on 3 May 2016 to bob@example.com:",
        "On Monday I wrote down the following:",
        "Am 3. Mai 2026 schrieb ich Ihnen folgendes:",
        "Am 3. Mai 2026 habe ich Folgendes bestellt:",
        "Here is what I need on 2026-11-21:",
        "To: whoever reads this",
        "Subject: as before",
        "From: Hamburg",
        "This is not a ---------- delimiter.",
        "Sent from Hamburg on Monday, the parcel did not arrive.",
        "------ my list ------",
    ],
)
def test_a_persons_own_sentence_is_never_taken_for_a_mark(line: str) -> None:
    text = f"Hello,\n\n{line}\n\n- one\n- two\n\nBye"

    assert kept_of(text).passages == ()
    assert not is_attribution(line)


@pytest.mark.parametrize(
    ("text", "expected", "rule"),
    [
        ("> Blue?\n\nYes.\n\n> Large?\n\nNo.\n\n> Bye", "> Blue?\n\nYes.\n\n> Large?\n\nNo.", "quotes"),
        (
            "Hi,\n\nOn 21 Nov 2026, at 10:00, Ana <a@b.example> wrote:\n> Blue?\nYes.\n> Large?\nNo.",
            "Hi,\n> Blue?\nYes.\n> Large?\nNo.",
            "interleaved",
        ),
        ("On 2026-11-21 10:00, Ana wrote:\n> Blue?\n\nYes, blue.", "Yes, blue.", "attribution"),
        (
            "On 2026-11-21 10:00, Ana wrote:\n> Blue?\nYes.\n> Large?\nNo.",
            "> Blue?\nYes.\n> Large?\nNo.",
            "interleaved",
        ),
        (
            "See below.\n\nOn 2026-11-21 10:00, Ana wrote:\n> Blue?\n\nYes, blue.",
            "See below.\n> Blue?\n\nYes, blue.",
            "",
        ),
        ("Yes.\n\n-- \nAna\n+49 30 1234", "Yes.", "signature"),
        ("Yes.\n\nSent from my iPhone", "Yes.", "signature"),
        ("Ja.\n\nVon meinem iPhone gesendet\n\nAm 21.11.2026 um 10:00 schrieb Shop:\n> Blau?", "Ja.", "attribution"),
        ("Yes.\n\n##- Please type your reply above this line -##\n\nHello Ana", "Yes.", "delimiter"),
        ("Yes.\n\n-----Original Message-----\nFrom: Shop\n\nHello Ana", "Yes.", "separator"),
        ("> only\n> a quotation", "> only\n> a quotation", ""),
        ("On 2026-11-21 10:00, Ana wrote:\n> Blue?", "On 2026-11-21 10:00, Ana wrote:\n> Blue?", ""),
        ("-- \nonly a signature", "-- \nonly a signature", ""),
        ("From: a\nSent: b\nTo: c\n\nA form", "From: a\nSent: b\nTo: c\n\nA form", ""),
        ("", "", ""),
    ],
)
def test_each_shape_of_a_reply_is_shown_as_it_should(text: str, expected: str, rule: str) -> None:
    assert said(shown(text)) == said(expected)
    assert rule in {"", kept_of(text).rule}


LINES = st.sampled_from(
    [*ATTRIBUTIONS, "> q", ">> q", "-- ", "text", "", "___", "From: a", "To: b", "Subject: c", "Date: d"]
)


@given(st.lists(LINES | st.text(max_size=12), max_size=30).map("\n".join), st.booleans())
def test_passages_lie_in_the_text_in_order_and_are_never_empty(text: str, is_marked: bool) -> None:  # noqa: FBT001 - drawn
    html = f"<div>{text}</div><blockquote type=cite>q text</blockquote>" if is_marked else ""

    passages = kept_of(text, html).passages

    ends = [place for one in passages for place in (one.start, one.end)]
    assert ends == sorted(ends)
    assert all(0 <= one.start < one.end <= len(text) and text[one.start : one.end].strip() for one in passages)


def test_a_huge_text_is_read_in_no_time() -> None:
    for text in [
        "From: a\n" * 1_999,
        f"{ATTRIBUTIONS[0]}\n> q\n" * 999,
        "-" * 200_000,
        "> \n" * 1_999,
        ("x" * 99 + ":\n") * 1_999,
    ]:
        assert kept_of(text) is not None  # the time limit of a test is the claim
