"""What each provider allows of sending: its window, its rates, the length of a text, the files that go with it. A
channel not named here has none that we know of. An account's settings may say otherwise of rates.

Sizes are decimal: what is taken here is taken whichever way the provider counts its megabytes.
"""

from datetime import timedelta

from application.exchange.limits import Limits, Rate
from domain.outbound.files import FileKind, Files

DAY = timedelta(days=1)
MB = 1_000_000
ANY = ("*/*",)
_OFFICE = "application/vnd.openxmlformats-officedocument."
DOCUMENTS = (
    "application/pdf",
    "text/plain",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    f"{_OFFICE}wordprocessingml.document",
    f"{_OFFICE}spreadsheetml.sheet",
    f"{_OFFICE}presentationml.presentation",
)

WHATSAPP_FILES = Files(
    kinds=(
        FileKind(sent_as="image", types=("image/jpeg", "image/png"), bytes_max=5 * MB, text_length_max=1_024),
        FileKind(sent_as="video", types=("video/mp4", "video/3gpp"), bytes_max=16 * MB, text_length_max=1_024),
        FileKind(
            sent_as="audio",
            types=("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"),
            bytes_max=16 * MB,
            text_length_max=0,
        ),
        FileKind(sent_as="document", types=DOCUMENTS, bytes_max=100 * MB, text_length_max=1_024),
    )
)
"""Supported media types of the Cloud API, and its 1,024 characters of a caption; sound has none."""

MESSENGER_FILES = Files(
    kinds=(
        FileKind(sent_as="image", types=("image/jpeg", "image/png", "image/gif"), bytes_max=8 * MB, text_length_max=0),
        FileKind(sent_as="video", types=("video/mp4", "video/quicktime"), bytes_max=25 * MB, text_length_max=0),
        FileKind(
            sent_as="audio",
            types=("audio/mpeg", "audio/mp4", "audio/x-m4a", "audio/aac", "audio/wav"),
            bytes_max=25 * MB,
            text_length_max=0,
        ),
        FileKind(sent_as="file", types=ANY, bytes_max=25 * MB, text_length_max=0),
    )
)
"""Attachment Upload API: 8 MB a picture, 25 MB anything else. A message of the Send API is a text or a file."""
INSTAGRAM_FILES = Files(
    kinds=(
        FileKind(sent_as="image", types=("image/jpeg", "image/png", "image/gif"), bytes_max=8 * MB, text_length_max=0),
        FileKind(
            sent_as="video",
            types=("video/mp4", "video/quicktime", "video/webm", "video/ogg"),
            bytes_max=25 * MB,
            text_length_max=0,
        ),
        FileKind(
            sent_as="audio",
            types=("audio/aac", "audio/mp4", "audio/x-m4a", "audio/wav"),
            bytes_max=25 * MB,
            text_length_max=0,
        ),
        FileKind(sent_as="file", types=("application/pdf",), bytes_max=25 * MB, text_length_max=0),
    )
)
"""Attachment upload for Instagram messaging: these formats, 8 MB a picture, 25 MB anything else."""
TELEGRAM_FILES = Files(
    kinds=(
        FileKind(sent_as="photo", types=("image/jpeg", "image/png"), bytes_max=10 * MB, text_length_max=1_024),
        FileKind(sent_as="animation", types=("image/gif",), bytes_max=50 * MB, text_length_max=1_024),
        FileKind(sent_as="video", types=("video/mp4",), bytes_max=50 * MB, text_length_max=1_024),
        FileKind(
            sent_as="audio",
            types=("audio/mpeg", "audio/mp4", "audio/x-m4a"),
            bytes_max=50 * MB,
            text_length_max=1_024,
        ),
        FileKind(sent_as="voice", types=("audio/ogg",), bytes_max=50 * MB, text_length_max=1_024),
        FileKind(sent_as="document", types=ANY, bytes_max=50 * MB, text_length_max=1_024),
    )
)
"""Bot API, "Sending files": 10 MB a photo, 50 MB anything else, when they are posted with the request."""

LINE_FILES = Files(
    kinds=(FileKind(sent_as="image", types=("image/jpeg", "image/png"), bytes_max=1 * MB, is_linked=True),), count_max=4
)
"""Messaging API, image messages: previews have 1 MB at most, and a picture is its own. Five messages a call, one of
them the text."""
SMS_FILES = Files(
    kinds=(
        FileKind(sent_as="media", types=("image/jpeg", "image/png", "image/gif"), bytes_max=5 * MB, is_linked=True),
    ),
    count_max=10,
    bytes_max=5 * MB,
)
"""Twilio's accepted content types: of these three, up to ten and 5 MB in all."""

WECHAT_FILES = Files(
    kinds=(
        FileKind(
            sent_as="image",
            types=("image/jpeg", "image/png", "image/gif", "image/bmp"),
            bytes_max=10 * MB,
            text_length_max=0,
        ),
        FileKind(sent_as="voice", types=("audio/amr", "audio/mpeg"), bytes_max=2 * MB, text_length_max=0),
    )
)
"""Temporary media, and the customer-service messages that carry them. A video would need a picture beside it."""
WECOM_FILES = Files(
    kinds=(
        FileKind(sent_as="image", types=("image/jpeg", "image/png"), bytes_max=10 * MB, text_length_max=0),
        FileKind(sent_as="voice", types=("audio/amr",), bytes_max=2 * MB, text_length_max=0),
        FileKind(sent_as="video", types=("video/mp4",), bytes_max=10 * MB, text_length_max=0),
        FileKind(sent_as="file", types=ANY, bytes_max=20 * MB, text_length_max=0),
    )
)
"""Temporary media of WeCom: 10 MB a picture or video, 2 MB a voice in AMR, 20 MB any other file."""

X_FILES = Files(
    kinds=(FileKind(sent_as="dm_image", types=("image/jpeg", "image/png", "image/webp"), bytes_max=5 * MB),)
)
"""One picture of 5 MB a message. Videos would have to be uploaded in pieces and waited for."""

LIMITS: dict[str, Limits] = {
    # There is no provider; a file may be as large as the deployment keeps any.
    "webchat": Limits(files=Files(kinds=(FileKind(sent_as="file", types=ANY, bytes_max=256 * MB),), count_max=10)),
    # 80 a second for a number, in and out together, and about one in 6 s to one person (codes 130429 and 131056).
    "whatsapp": Limits(
        window=DAY,
        text_length_max=4_096,
        files=WHATSAPP_FILES,
        takes_templates=True,
        rates=(Rate(80, 1.0),),
        gap_seconds=6.0,
        at_once_max=20,
    ),
    # 24 h, then seven days with the tag HUMAN_AGENT: `send` chooses by when the customer was heard.
    "messenger": Limits(
        window=7 * DAY, text_length_max=2_000, files=MESSENGER_FILES, rates=(Rate(300, 1.0),), at_once_max=20
    ),
    "instagram": Limits(
        window=7 * DAY, text_length_max=1_000, files=INSTAGRAM_FILES, rates=(Rate(300, 1.0),), at_once_max=20
    ),
    # Rules of thumb of its bot support: 30 a second in all, one a second to one chat. No window.
    "telegram": Limits(text_length_max=4_096, files=TELEGRAM_FILES, rates=(Rate(30, 1.0),), gap_seconds=1.0),
    "line": Limits(text_length_max=5_000, files=LINE_FILES, rates=(Rate(2_000, 1.0),), at_once_max=50),
    "wechat": Limits(window=2 * DAY, files=WECHAT_FILES),
    "wecom": Limits(window=2 * DAY, files=WECOM_FILES),
    # By the quarter of an hour and by the day, for a user.
    "x": Limits(text_length_max=10_000, files=X_FILES, rates=(Rate(15, 900.0), Rate(1_440, 86_400.0)), at_once_max=2),
    # What a long number may send in North America, where most of them are; short codes and toll-free ones may more.
    "sms": Limits(text_length_max=1_600, files=SMS_FILES, rates=(Rate(1, 1.0),), at_once_max=2),
    # A mail server that says "not now" may mean hours; senders keep at it for days (RFC 5321, section 4.5.4.1).
    # Most mailboxes take mails of 25 MB, of which base64 leaves three quarters to the files.
    "email": Limits(
        files=Files(
            kinds=(FileKind(sent_as="attachment", types=ANY, bytes_max=18 * MB),), count_max=20, bytes_max=18 * MB
        ),
        rates=(Rate(10, 1.0),),
        retry_for=4 * DAY,
        backoff_seconds_max=3_600.0,
    ),
}
