"""Reports as the mail servers of the world write them, about a reply of ours; and mail that only looks like them."""

# ruff: noqa: E501, ISC004 - reports stand here as they come

from channels.mail.threads import own_message_id

KEY = b"k" * 32
CONVERSATION = "conversation-0193a7c2b3c4d5e6f708192a3b4c5d6e"
MESSAGE = "message-0193a7c2b3c4d5e6f708192a3b4c5d6f"
OURS = own_message_id(CONVERSATION, MESSAGE, domain="shop.example", key=KEY)
RETURNED = f"From: Shop <help@shop.example>\nTo: bo@example.org\nSubject: Re: Parcel\nMessage-ID: {OURS}\n\nHello Bo"


def a_report(sender: str, subject: str, said: str, *status: str, head: str = "", returned: str = RETURNED) -> bytes:
    """A multipart/report (RFC 3462): words, a block of fields for the whole and each recipient, the returned mail."""
    fields = "\n\n".join(["Reporting-MTA: dns; mx.example.org\nArrival-Date: Sat, 21 Nov 2026 10:00:00 +0000", *status])
    return (
        f"Return-Path: <>\nFrom: {sender}\nTo: help@shop.example\nSubject: {subject}\nMessage-ID: <r1@mx.example.org>\n"
        f"{head}MIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        f"--b\nContent-Type: text/plain\n\n{said}\n"
        f"--b\nContent-Type: message/delivery-status\n\n{fields}\n\n"
        f"--b\nContent-Type: message/rfc822\n\n{returned}\n--b--\n"
    ).encode()


def a_text(sender: str, subject: str, said: str, *, head: str = "Return-Path: <>\n") -> bytes:
    """A report that is one text."""
    return (
        f"{head}From: {sender}\nTo: help@shop.example\nSubject: {subject}\nMessage-ID: <r1@mx.example.org>\n"
        f"Content-Type: text/plain; charset=utf-8\n\n{said}\n"
    ).encode()


def fields(recipient: str, action: str, status: str, diagnostic: str = "") -> str:
    """One recipient's block of RFC 3464."""
    lines = f"Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: {status}"
    return f"{lines}\nDiagnostic-Code: smtp; {diagnostic}" if diagnostic else lines


UNKNOWN = "550 5.1.1 <bo@example.org>: Recipient address rejected: User unknown"
FULL = "452 4.2.2 The email account that you tried to reach is over quota"
SORRY = "I'm sorry to have to inform you that your message could not be delivered to one or more recipients."
QMAIL = (
    "Hi. This is the qmail-send program at mx.example.org.\nI'm afraid I wasn't able to deliver your message to the "
    "following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n"
)
EXIM = (
    "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered "
    "to one or more of its\nrecipients. "
)

BOUNCES: dict[str, tuple[bytes, str, str]] = {
    "postfix": (
        a_report("MAILER-DAEMON@mx.example.org (Mail Delivery System)", "Undelivered Mail Returned to Sender", SORRY,
                 fields("bo@example.org", "failed", "5.1.1", UNKNOWN), head="Auto-Submitted: auto-replied\n"),
        "hard", "5.1.1"),
    "postfix expired": (
        a_report("MAILER-DAEMON@mx.example.org (Mail Delivery System)", "Undelivered Mail Returned to Sender", SORRY,
                 fields("bo@example.org", "failed", "4.4.1", "connect to mx2.example.org: Connection timed out")),
        "soft", "4.4.1"),
    "postfix delayed": (
        a_report("MAILER-DAEMON@mx.example.org (Mail Delivery System)", "Delayed Mail (still being retried)",
                 "THIS IS A WARNING ONLY. YOU DO NOT NEED TO RESEND YOUR MESSAGE.",
                 fields("bo@example.org", "delayed", "4.2.0", "450 4.2.0 Greylisted")),
        "delayed", "4.2.0"),
    "several recipients": (
        a_report("MAILER-DAEMON@mx.example.org", "Returned mail: see transcript for details", SORRY,
                 fields("al@example.org", "delivered", "2.0.0"), fields("cy@example.org", "failed", "4.2.2", FULL),
                 fields("bo@example.org", "failed", "5.1.1", UNKNOWN)),
        "hard", "5.1.1"),
    "sendmail": (
        a_report("Mail Delivery Subsystem <MAILER-DAEMON@mx.example.org>", "Returned mail: User unknown",
                 "----- The following addresses had permanent fatal errors -----\n<bo@example.org>",
                 fields("bo@example.org", "failed", "5.1.1", UNKNOWN)),
        "hard", "5.1.1"),
    "gmail": (
        a_report("Mail Delivery Subsystem <mailer-daemon@googlemail.com>", "Delivery Status Notification (Failure)",
                 "** Address not found **", fields("bo@example.org", "failed", "5.1.1", "550-5.1.1 NoSuchUser"),
                 head=f"Auto-Submitted: auto-replied\nX-Failed-Recipients: bo@example.org\nIn-Reply-To: {OURS}\n",
                 returned="From: help@shop.example"),
        "hard", "5.1.1"),
    "gmail full": (
        a_report("Mail Delivery Subsystem <mailer-daemon@googlemail.com>", "Delivery Status Notification (Failure)",
                 "** Inbox full **", fields("bo@example.org", "failed", "5.2.2", FULL)),
        "hard", "5.2.2"),
    "exchange": (
        a_report("Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.org>",
                 "Unzustellbar: Re: Paket", "Fehler bei der Nachrichtenzustellung an folgende Empfänger",
                 fields("bo@example.org", "failed", "5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound")),
        "hard", "5.1.10"),
    "outlook.com": (
        a_report("<postmaster@outlook.com>", "Undeliverable: Re: Parcel", "Delivery has failed to these recipients",
                 fields("bo@example.org", "failed", "5.5.0", "550 5.5.0 Requested action not taken: mailbox unavailable")),
        "hard", "5.5.0"),
    "status that says less than its reason": (
        a_report("postmaster@example.org", "Delivery Status Notification (Failure)", SORRY,
                 fields("bo@example.org", "failed", "5.0.0", FULL)),
        "soft", "4.2.2"),
    "status part alone": (
        a_report("Ana's server <server@example.org>", "Re: Parcel", "",
                 fields("bo@example.org", "failed", "5.1.1")).replace(b"Return-Path: <>\n", b""),
        "hard", "5.1.1"),
    "exim": (
        a_text("Mail Delivery System <Mailer-Daemon@mx.example.org>",
               "Mail delivery failed: returning message to sender",
               EXIM + "This is a permanent error. The following address(es) failed:\n\n  bo@example.org\n    host mx "
               f"[192.0.2.1]\n    550 5.1.1 User unknown\n\n------ This is a copy of the message ------\n\n{RETURNED}",
               head="Return-Path: <>\nX-Failed-Recipients: bo@example.org\nAuto-Submitted: auto-replied\n"),
        "hard", "5.1.1"),
    "exim delayed": (
        a_text("Mail Delivery System <Mailer-Daemon@mx.example.org>", "Warning: message 1xyz delayed 24 hours",
               "A message that you sent has not yet been delivered to one or more of its recipients after more than 24 "
               f"hours.\n\n  bo@example.org\n\nNo action is required on your part. Message identifier: {OURS}"),
        "delayed", ""),
    "qmail": (
        a_text("MAILER-DAEMON@mx.example.org", "failure notice",
               f"{QMAIL}<bo@example.org>:\n192.0.2.1 does not like recipient.\nRemote host said: 550 no such user\nGiving up "
               f"on 192.0.2.1.\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <h@s.example>\n{RETURNED}"),
        "hard", "5.0.0"),
    "qmail with an enhanced code": (
        a_text("MAILER-DAEMON@mx.example.org", "failure notice",
               f"{QMAIL}<bo@example.org>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of "
               f"the message.\n\n{RETURNED}"),
        "hard", "5.1.1"),
    "yahoo": (
        a_text("MAILER-DAEMON@yahoo.com", "Failure Notice",
               "Sorry, we were unable to deliver your message to the following address.\n\n<bo@example.org>:\n554: delivery "
               f"error: dd This user doesn't have a yahoo.com account [0] - mta1.mail.yahoo.com\n\n{RETURNED}",
               head=""),
        "hard", "5.0.0"),
    "gmx": (
        a_text("GMX Mailer Daemon <mailer-daemon@gmx.de>", "Mail delivery failed: returning message to sender",
               "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
               "delivered to\none or more of its recipients. The following addresses\nfailed:\n\n<bo@example.org>\n\nSMTP "
               f"error from remote server after RCPT command:\nhost: mx\n5.1.1 unknown user\n\n--- The header --- \n{RETURNED}"),
        "hard", "5.1.1"),
    "old exchange": (
        a_text("System Administrator <postmaster@example.org>", "Undeliverable: Re: Parcel",
               "Your message did not reach some or all of the intended recipients.\n\nThe following recipient(s) could not be "
               f"reached:\n\n      bo@example.org on 21.11.2026 10:00\n            The e-mail account does not exist at the "
               f"organization. <mx.example.org #5.1.1>\n\n{RETURNED}"),
        "hard", "5.1.1"),
    "lotus": (
        a_text("Postmaster@example.org", "DELIVERY FAILURE: User bo not listed in Domino Directory",
               f"Your message\n\nwas not delivered to:\n\n  bo@example.org\n\nbecause:\n\n  User bo not listed\n\n{RETURNED}"),
        "hard", ""),
    "full without a code": (
        a_text("postmaster@example.org", "Delivery failure", "Your message to bo@example.org could not be delivered: "
               f"mailbox full, try again later\n\n{RETURNED}"),
        "soft", ""),
    "japanese carrier": (
        a_text("Postmaster@docomo.example", "配信不能", "次のあて先へのメッセージはエラーのため送信できませんでした。\n\nbo@example.org\n550 Unknown "
               f"user\n\n{RETURNED}"),
        "hard", "5.0.0"),
    "no subject, and nothing but a copy below": (
        a_text("MAILER-DAEMON@mx.example.org", "", "Sadly this server was not able to deliver your mail to:\n\n"
               f"<bo@example.org>:\nThe mailbox has exceeded its quota.\n\n--- Below the line is a copy of it.\n\n{RETURNED}",
               head=""),
        "soft", ""),
    "a failure that sounds like a delay": (
        a_text("Campus Mail <MAILER-DAEMON@example.org>", "Your message to bo@example.org could not be delivered.",
               "The address bo@example.org is wrong or not valid any more.\n\nYour message has NOT been delivered.\n\n"
               f"{RETURNED}"),
        "hard", ""),
    "rejected by the mailbox itself": (
        b"Return-Path: <>\nFrom: Mail Delivery Subsystem <postmaster@example.org>\nSubject: Automatically rejected mail\n"
        b"Auto-Submitted: auto-replied (rejected)\nContent-Type: multipart/report; report-type=disposition-notification; "
        b"boundary=b\n\n--b\n\nYour message to <bo@example.org> was automatically rejected:\nQuota exceeded\n--b\n"
        b"Content-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; bo@example.org\nDisposition: "
        b"automatic-action/MDN-sent-automatically; deleted\n--b\nContent-Type: message/rfc822\n\n" + RETURNED.encode()
        + b"\n--b--\n",
        "soft", ""),
    "chinese, without a subject": (
        b"From: MAILER-DAEMON@mx.example.cn\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; "
        b"charset=gb2312\n\n" + "您的邮件无法送达以下地址。\n\n<bo@example.org>:\n用户不存在".encode("gb2312")
        + b"\n--b\nContent-Type: message/rfc822\n\n" + RETURNED.encode() + b"\n--b--\n",
        "hard", ""),
    "russian": (
        a_text("Mail Delivery System <Mailer-Daemon@mx.example.ru>", "Ваше сообщение не доставлено",
               "Ваше письмо не может быть доставлено одному получателю:\n\nMailbox bo@example.org is unavailable: user not "
               f"found\n\n------ This is a copy of your message.\n\n{RETURNED}", head="Auto-Submitted: auto-replied\n"),
        "hard", ""),
}  # fmt: skip

VACATION = (
    "I am on holiday until Monday and my mailbox is full of sand. Please call 030 450 12 34, the user is unavailable."
)
OTHERS: dict[str, tuple[bytes, str]] = {
    "exchange vacation": (
        a_text("Bo <bo@example.org>", "Automatic reply: Parcel", VACATION,
               head="X-Auto-Response-Suppress: All\nAuto-Submitted: auto-generated\n"), "auto_reply"),
    "gmail vacation": (
        a_text("Bo <bo@example.org>", "Out of office Re: Parcel", VACATION,
               head="Precedence: bulk\nX-Autoreply: yes\nAuto-Submitted: auto-replied\nReturn-Path: <>\n"), "auto_reply"),
    "sieve vacation": (
        a_text("Bo <bo@example.org>", "Auto: Parcel", VACATION,
               head="Return-Path: <>\nAuto-Submitted: auto-replied (vacation)\n"), "auto_reply"),
    "german vacation": (
        a_text("Bo <bo@example.org>", "Abwesenheitsnotiz: Paket", VACATION, head="Return-Path: <>\n"), "auto_reply"),
    "read receipt": (
        b"From: bo@example.org\nSubject: Read: Parcel\nContent-Type: multipart/report; report-type=disposition-"
        b"notification; boundary=b\n\n--b\n\nRead.\n--b\nContent-Type: message/disposition-notification\n\n"
        b"Disposition: manual-action/MDN-sent-manually; displayed\n--b--\n", "automatic"),
    "complaint": (
        b"From: feedback@isp.example\nSubject: FW: Parcel\nContent-Type: multipart/report; report-type=feedback-report; "
        b"boundary=b\n\n--b\n\nThis is an email abuse report.\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: "
        b"abuse\nUser-Agent: X/1\nVersion: 1\n--b\nContent-Type: message/rfc822\n\n" + RETURNED.encode() + b"\n--b--\n",
        "complaint"),
    "person on a list": (
        a_text("Bo <bo@example.org>", "[list] Parcel", "Where is it?",
               head="List-Id: <l.example.org>\nPrecedence: list\nReturn-Path: <l-bounces@example.org>\n"), "list"),
    "person about a bounce": (
        a_text("Bo <bo@example.org>", "Undelivered mail", "I got this: 550 5.1.1 user unknown, could not be delivered",
               head=""), "person"),
    "person forwarding a bounce": (
        b"From: bo@example.org\nSubject: Fwd: Undelivered Mail Returned to Sender\nContent-Type: multipart/mixed; boundary=o"
        b"\n\n--o\n\nLook: 550 5.1.1 could not be delivered\n--o\nContent-Type: message/rfc822\n\n"
        + a_report("MAILER-DAEMON@x.example", "Undelivered", SORRY, fields("a@b.example", "failed", "5.1.1")) + b"\n--o--\n",
        "person"),
    "person at a postbox company": (a_text("Postmann <postmann@example.org>", "Mail", "Hello", head=""), "person"),
    "delivered": (
        a_report("MAILER-DAEMON@mx.example.org", "Successful Mail Delivery Report", "It was delivered.",
                 fields("bo@example.org", "delivered", "2.0.0")), "automatic"),
    "notice": (
        a_text("Bank <noreply@bank.example>", "Your statement", "It is ready.", head="Auto-Submitted: auto-generated\n"),
        "automatic"),
}  # fmt: skip
