"""The words and signs by which mail programs introduce what they quote, in the languages that they are sold in."""

# ruff: noqa: RUF001 - words and signs of other scripts are what this file is for

import re

_WROTE = """
wrote writes said schrieb schreibt écrit escribió escribio escreveu scritto scrisse geschreven schreef skrev napisał
napisała napisał(a) napisał/a pisze napisal napsal napsal(a) napísal napísal(a) написал написала написал(а) пишет пише
написав kirjoitti yazdı írta έγραψε scris написа viết menulis כתב כתבה كتب 写道 寫道 写到
書きました のメール 님이 작성 escrigué kirjutas rašė rakstīja เขียน
"""
WROTE = "|".join(sorted(map(re.escape, _WROTE.split()), key=len, reverse=True))
_BEFORE_DATE = r"""
On Le Am El Em Il Op Den Dnia W På Pe Pada Vào Dne Dňa V В Во Στις Ha Na At În Quoting בתאריך في Lúc Kl
"""
_STARTS = "|".join(re.escape(word) for word in sorted(set(_BEFORE_DATE.split()), key=len, reverse=True))

_MONTH = r"[^\W\d_]{1,12}\.?"
_DATE = rf"""
\d{{4}}[-/.年]\ ?\d{{1,2}}[-/.月]\ ?\d{{1,2}}      # 2016-03-03, 2016年12月12日
|\d{{1,2}}[-/.]\ ?\d{{1,2}}[-/.]\ ?\d{{2,4}}      # 03.02.2016
|\d{{1,2}}\.?\ (?:de\ )?{_MONTH}\ (?:de\ )?\d{{4}}  # 28 Jan 2016, 2 de fevereiro de 2015
|\d{{1,2}}\.\ ?{_MONTH}\ kl                        # 15. jun. kl
|{_MONTH}\ \d{{1,2}},?\ \d{{4}}                    # June 20, 2013
|\d{{4}}년\ ?\d{{1,2}}월                            # 2016년 1월
|\d{{1,2}}[:.]\d{{2}}\b                            # 10:58
"""
DATED = re.compile(_DATE, re.VERBOSE)
STARTS_WITH_DATE = re.compile(
    rf"""[-*_"'(\ ]{{0,6}}(?:
    (?:{_STARTS})\b.*\d
    |\d{{4}}[-/.年]
    |\d{{4}}년
    |\d{{1,2}}[-/.]\ ?\d{{1,2}}[-/.]
    |\d{{1,2}}\.?\ {_MONTH}\ \d
    |[^\W\d_]{{2,3}}\.?,?\ \d{{1,2}}\.\ \d{{1,2}}\.
    |[^\W\d_]{{2,12}}\.?,?\ \d{{1,2}}\.?\ {_MONTH}\ \d
    |(?:在|于|於)\s?\d
    )""",
    re.VERBOSE,
)
"""A line that may begin `On Mon, Feb 1, 2016 at 6:32 PM, Ana <ana@example.org> wrote:`."""
_ADDRESS = r"[^\s<>@]{1,80}@[^\s<>@]{1,80}"
_END = r"[\s)*_>\"']*[:：]?[\s*_-]*"
WROTE_AT_END = re.compile(
    rf"(?:^|[\s>\")：:，,])(?:{WROTE})(?:이|함)?{_END}$|(?:写道|寫道|のメール|작성){_END}$", re.IGNORECASE
)
WROTE_WITHIN = re.compile(r"\s(?:schrieb|schreef|skrev)\s(?:[^:：]*[\d\"<@]|[A-ZÀ-Þ]\S*(?:\s\S+){0,4}\s?[:：]$)")
"""Where the verb comes before the name. `schrieb ich Ihnen:` is a person's own sentence."""
ADDRESS_AT_END = re.compile(rf"<\s*(?:mailto:)?{_ADDRESS}\s*>+\s*[:：]$|{_ADDRESS}\s*>?[:：]$")
SOMEBODY_WROTE = re.compile(
    rf"[\"'*]{{0,2}}[^<>.!?:\n]{{0,80}}[<\[(]?{_ADDRESS}[>\])]?,?(?:\svia\s[^:]{{1,60}})?\s"
    rf"(?:(?=[^@]*\d)[^@]{{0,60}}?|ezt\s)?(?:{WROTE})(?:\s[^@]{{0,60}})?[:：]\W{{0,3}}$"
    rf"|Quoting\s[^:]{{0,80}}{_ADDRESS}>?:$",
    re.IGNORECASE,
)
"""`Ana <ana@example.org> schrieb am Fr., 28. Apr. 2017 um 11:53 Uhr:`"""
GOOGLE_OF_OLD = re.compile(
    r"\d{4}[-/]\d{1,2}[-/]\d{1,2}\s"
    rf"(?:\d{{1,2}}:\d\d\sGMT[+-]\d\d:\d\d\s\S.{{0,80}}|[^<>]{{1,80}}<{_ADDRESS}>)[:：]?$"
)
"""`2013/7/20 Ana <ana@example.org>` and `2016-03-03 17:21 GMT+01:00 Ana`: no word for writing at all."""

_ORIGINAL = """
original message|original appointment|original e-?mail|ursprüngliche nachricht|original-nachricht|originalnachricht
|weitergeleitete nachricht|mensaje original|mensaje reenviado|message d['’]origine|message original|message transféré
|message réexpédié|messaggio originale|messaggio inoltrato|oorspronkelijk bericht|doorgestuurd bericht
|ursprungligt meddelande|ursprungsmeddelande|originalmeddelande|vidarebefordrat meddelande|vidarebefordrat brev
|opprinnelig melding|videresendt melding|oprindelig meddelelse|videresendt meddelelse|mensagem original
|mensagem encaminhada|wiadomość oryginalna|oryginalna wiadomość|wiadomość przekazana|przekazana wiadomość
|исходное сообщение|пересылаемое сообщение|пересланное сообщение|початкове повідомлення|пересланий лист
|alkuperäinen viesti|välitetty viesti|orijinal mesaj|özgün ileti|iletilen mesaj|původní zpráva|přeposlaná zpráva
|eredeti üzenet|továbbított üzenet|mesaj original|forwarded message|forwarded by [^-]{1,60}|reply message
|原始邮件|原始郵件|邮件原件|原邮件|转发邮件|转发的邮件|轉寄郵件
|元のメッセージ|転送メッセージ|원본 메시지|원본 메일|전달된 메시지
|edelleenlähetetty viesti|välitetty viesti / fwd.msg|message transmis|mensagem reencaminhada|mesaj redirecționat
|preposlaná správa|preposlaná správa --- forwarded message|proslijeđena poruka|treść przekazanej wiadomości
|перенаправленное сообщение|перенаправлене повідомлення|переслане повідомлення|[iİ]letilmiş mesaj|[iİ]letilen [iİ]leti
""".replace("\n", "")
SEPARATOR = re.compile(rf"[>\s*_]*-{{2,}}\s*(?:{_ORIGINAL})\s*:?\s*-{{2,}}[*_\s]*$", re.IGNORECASE)
FORWARD_BEGINS = re.compile(
    r"[>\s]*(?:begin forwarded message|anfang der weitergeleiteten (?:nachricht|e-?mail)"
    r"|début du message (?:réexpédié|transféré)|inicio del mensaje reenviado|inizio messaggio inoltrato"
    r"|begin doorgestuurd bericht|vidarebefordrat (?:brev|mejl)|videresendt (?:melding|e-post|besked)"
    r"|início da mensagem (?:reencaminhada|encaminhada)|начало (?:переадресованного|пересылаемого) (?:сообщения|письма)"
    r"|początek przekazywanej wiadomości|välitetty viesti alkaa|iletilmiş mesajın başı|下面是被转发的邮件"
    r"|以下為轉寄的郵件|転送されたメッセージ|전달된 메시지|forwarded message(?=\s*:)|začátek přeposílané zprávy"
    r"|začiatok preposlanej správy|start på videresendt besked|započni proslijeđenu poruku|továbbított levél kezdete"
    r"|începe mesajul redirecționat|[iİ]leti başlangıcı|початок листа, що пересилається)\s*[:：]?\s*$",
    re.IGNORECASE,
)
OUR_DELIMITER = re.compile(
    r"[\W_]{0,12}(?:(?:please )?(?:type|write|enter) your (?:reply|answer) above this line"
    r"|(?:please )?reply above this line|bitte (?:antworten|schreiben) sie (?:ober|über)\S* dieser (?:linie|zeile)"
    r"|répondez? au-dessus de cette ligne|(?:por favor,? )?responda (?:por encima de|acima) (?:esta línea|desta linha)"
    r")\b.{0,80}$",
    re.IGNORECASE,
)

_HEADER_WORDS = {
    "from": "From|Von|De|Da|Van|Från|Fra|Od|От|Від|Kimden|Gönderen|Lähettäjä|Feladó|Από|Expéditeur|Remitente|Mittente"
    "|Afzender|Šalje|De la|Expeditorul|Отправитель|Від кого|Saatja|Nadawca"
    "|发件人|寄件者|寄件人|差出人|送信者|보낸 ?사람|发自",
    "date": "Sent|Date|Gesendet|Datum|Envoyé|Enviado(?: el)?|Enviada|Enviada em|Fecha|Data|Inviato|Verzonden|Skickat"
    "|Sendt|Dato|Wysłano|Отправлено|Дата|Надіслано|Gönderildi|Gönderme Tarihi|Tarih|Lähetetty|Päivämäärä|Pvm|Odesláno"
    "|Küldve|发送时间|发送日期|日期|寄件日期|傳送時間|時間|送信日時|日時|日付|보낸 ?날짜|날짜|보낸 시간",
    "to": "To|An|À|A|Para|Aan|Till|Til|Do|Кому|Kime|Alıcı|Vastaanottaja|Destinatario|Destinataire|Komu|Címzett"
    "|Prima|Destinatarul|Către|Pre|Pour|Adresat|收件人|收件者|宛先|받는 ?사람",
    "cc": "Cc|Kopie|Kopia|Kopi|Copie(?: à)?|Copia|Копия|Bilgi|Kopio|Másolat|抄送|副本|참조",
    "subject": "Subject|Betreff|Objet|Asunto|Assunto|Oggetto|Onderwerp|Ämne|Emne|Temat|Тема|Konu|Aihe|Předmět|Tárgy"
    "|Predmet|Sujet|Subiectul|Subiect|Naslov|Teema|主题|主題|主旨|件名|제목",
    "reply-to": "Reply-To|Antwort an|Répondre à|Responder a|Risposta|Rispondi a|Antwoord aan|Svar till|Svar til|答复",
    "other": "Importance|Priority|Priorität|Wichtigkeit|Attachments|Anlagen|Anhänge|Pièces jointes|Allegati|Message-ID",
}
_GROUPS = "|".join(f"(?P<{name.replace('-', '_')}>{words})" for name, words in _HEADER_WORDS.items())
HEADER = re.compile(rf"[>\s*_|]{{0,8}}(?:{_GROUPS})\s{{0,2}}[*_]{{0,2}}\s?[:：][*_]{{0,2}}(?:\s|\S|$)", re.IGNORECASE)
HEADER_LINES_MIN = 3

MOBILE = re.compile(
    r"""[\s<(*_\[-]{0,4}(?:
    (?:sent|from|send)\s(?:from|via|with|using|by|my)\b.{0,80}
    |(?:sent|written)\sby\s.{1,40}
    |\w+\sfrom\smobile
    |get\s\[?outlook\sfor\b.{0,60}
    |(?:von|aus)\s(?:meinem|meiner|mein)\s.{1,60}\s(?:gesendet|geschickt)
    |gesendet\s(?:von|mit|über|aus)\b.{1,60}
    |diese\snachricht\swurde\svon\smeinem\b.{1,80}
    |envoyé\s(?:de|depuis|à\spartir\sde)\b.{1,60}
    |enviado\s(?:desde|do|de|a\spartir\sd[eo])\b.{1,60}
    |inviato\s(?:da|dal)\b.{1,60}
    |verzonden\s(?:met|van|vanaf)\b.{1,60}
    |skickat\sfrån\b.{1,60}
    |sendt\s(?:fra|fra\smin|med)\b.{1,60}
    |wysłan[eoay]\s(?:z|ze)\b.{1,60}
    |отправлено\s(?:с|из|от)\b.{1,60}
    |надіслано\s(?:з|із)\b.{1,60}
    |lähetetty\s.{1,60}
    |.{1,30}\scihazımdan\sgönderildi|.{1,30}[’']?(?:den|dan|ten|tan)\sgönderildi
    |(?:从|從)我的.{1,30}(?:发送|傳送|寄出|发出)|(?:发自|發自)我的?.{1,30}|来自我的.{1,30}
    |.{1,20}から送信|나의\s.{1,20}에서\s보냄|내\s.{1,20}에서\s보냄
    )[\s>)\]*_.!]{0,4}$""",
    re.IGNORECASE | re.VERBOSE,
)
"""What a telephone adds below a mail."""
DEVICE = re.compile(
    r"phone|ip[ao]d|android|mobil|outlook|mail|samsung|galaxy|blackberry|huawei|xiaomi|htc|nokia|windows|"
    r"device|tablet|yahoo|alcatel|gerät|cell|ti-\d|box|телефон|手机|手機",
    re.IGNORECASE,
)
COLONS = (":", "：")
ENDS = (*COLONS, "-", "*", "_", ">")
"""How an attribution may end."""
SIGNS = (*COLONS, "-")
"""What every introduction that does not begin with a digit has one of."""
SIGNATURE_SIGNS = frozenset("-—–_*#~=+")
SIGNATURE = re.compile(r"(?:--|—|–)[ \u00a0]?$")
"""RFC 3676, section 4.3, and what becomes of its trailing space."""
RULER = re.compile(r"\s{0,4}(?:[-*_=~#+]\s?){3,}\s*$")
LIST_FOOTER = re.compile(r"_{5,}\s*$")
"""What mailing list programs put above their footer, and many people above their signature."""
QUOTED = re.compile(r"[ \t]{0,2}(?:>|&gt;)|[A-Z][A-Za-z]{0,11}>(?:\s|$)")
BRACKET_ALONE = re.compile(rf"[ \t]{{0,2}}>\s?(?:{WROTE})?\s?[:：]\s*$")
"""The end of an attribution whose address was broken before its bracket, not a quotation."""
PIPED = re.compile(r"[ \t]{0,2}[|¦│](?:\s|$)")
UNSEEN = "ᐧ\u200b\ufeff\u00a0 \t"
"""What may stand in a line that looks empty; the first is how a mail tracker marks its mails."""
