"""Who there is in the demo: four queues, twelve agents, thirteen channel accounts, and what customers say."""

from base64 import b64decode
from typing import NamedTuple

PASSWORD = "demo password"  # noqa: S105  # of the demo's own people, on the demo's own data
WEBHOOK_SECRET = "demo app secret of the shop"  # noqa: S105  # likewise
PUBLIC_URL = "https://cc.shop.example"
"""What Twilio believes to call, and therefore signs."""
MAILBOX = "help@shop.example"
PHONE_NUMBER_ID = "1122334455667"
PAGE = "106540352242922"
PROFESSIONAL_ACCOUNT = "17841405822304914"
TELEGRAM_BOT = "110201543"
LINE_BOT = f"U{0xDE00:032x}"
WECHAT_ACCOUNT, WECHAT_APP = "gh_0123456789ab", "wx0123456789abcdef"
WECOM_DESK, WECOM_CORP = "wkdemo0123456789", "ww0123456789abcdef"
AES_KEY = "demo" * 10 + "dem"
"""WeChat's and WeCom's EncodingAESKey: 43 characters."""
X_USER = "4337869213"
SMS_NUMBER = "+4915735980000"
TWILIO_ACCOUNT = f"AC{0xDE00:032x}"
SUPERVISOR = "grace"

QUEUES = {"orders": "Orders", "returns": "Returns", "international": "International", "promised": "Promised"}
"""What they ask for, and what happens to who waits, says the document of `routing.py`."""


class DemoAgent(NamedTuple):
    """An agent: what they can do, and how quick they are."""

    login: str
    name: str
    skills: dict[str, int]
    seconds_per_answer: float


AGENTS = (
    DemoAgent("ada", "Ada Lindqvist", {"orders": 8, "returns": 6}, 2.0),
    DemoAgent("ben", "Ben Okafor", {"orders": 6}, 2.5),
    DemoAgent("chen", "陈静", {"orders": 7, "lang:zh": 10}, 1.8),
    DemoAgent("dora", "Dora Nagy", {"returns": 9}, 2.2),
    DemoAgent("emil", "Emil Sørensen", {"orders": 5, "returns": 5}, 3.0),
    DemoAgent("fatima", "فاطمة الزهراء", {"orders": 6, "returns": 4}, 2.4),
    DemoAgent("goran", "Goran Petrović", {"returns": 7}, 2.6),
    DemoAgent("hana", "佐藤 花", {"orders": 9}, 1.6),
    DemoAgent("ines", "Inês Carvalho", {"orders": 4, "returns": 8}, 2.0),
    DemoAgent("jun", "王军", {"orders": 5, "returns": 4, "lang:zh": 8}, 2.2),
    DemoAgent("kofi", "Kofi Mensah", {"orders": 7, "lang:zh": 5}, 2.8),
    DemoAgent("lena", "Lena Vogel", {"orders": 6, "returns": 6}, 2.1),
)

QUEUE_OF_CHANNEL = {
    "webchat": "orders",
    "email": "returns",
    "whatsapp": "international",
    "messenger": "orders",
    "instagram": "orders",
    "telegram": "orders",
    "line": "returns",
    "wechat": "international",
    "wecom": "international",
    "x": "orders",
    "sms": "returns",
    "adapter": "orders",
    "phone": "returns",
}


class DemoCustomer(NamedTuple):
    """A customer the shop knows, with the addresses that make their channels one timeline."""

    name: str
    phone: str
    mail: str
    social: str

    def handle_on(self, channel: str) -> str:
        """What the channel calls them."""
        digits = self.phone.lstrip("+")
        match channel:
            case "whatsapp" | "sms" | "phone":
                return self.phone
            case "email":
                return self.mail
            case "adapter":
                return self.social
            case "line":
                return f"U{digits:0>32}"
            case "wechat":
                return f"o{digits:0>27}"
            case "wecom":
                return f"wm{digits:0>30}"
        return digits


FEATURED = DemoCustomer("李娜", "+8613800138000", "li.na@mail.example", "lina")
"""The customer whose timeline the screen shows."""

CUSTOMERS = (
    FEATURED,
    DemoCustomer("Ana Souza", "+5511987654321", "ana.souza@mail.example", "anasz"),
    DemoCustomer("Müller, Jürgen", "+4915112345678", "juergen.mueller@mail.example", "jmue"),
    DemoCustomer("张伟", "+8613912345678", "zhang.wei@mail.example", "zhangw"),
    DemoCustomer("Amélie Durand", "+33612345678", "amelie@mail.example", "ame"),
    DemoCustomer("محمد علي", "+201001234567", "m.ali@mail.example", "mali"),
    DemoCustomer("Priya Raman", "+919812345678", "priya@mail.example", "priya_r"),
    DemoCustomer("Tom O’Neill", "+447700900123", "tom@mail.example", "tomo"),
)

TEXTS = (
    "Where is my parcel?",
    "你好，我的订单什么时候到？",
    "Ich möchte die Schuhe zurückgeben.",
    "The blue one arrived, I ordered red 🙃",
    "能换一个大一号的吗？",
    "¿Puedo cambiar la dirección de envío?",
    "أين طلبي؟",
    "My card 4111 1111 1111 1111 was charged twice!",
    "Thanks, that helped. One more question…",
    "请问支持七天无理由退货吗？",
    "Can I still cancel order 20261111-0042?",
    "Le colis est abîmé, que faire ?",
)

PICTURE = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
"""A PNG of one pixel: what customers and agents show each other by mail."""

ANSWERS = (
    "Thank you for writing. I am looking at it now.",
    "It left our warehouse this morning and arrives tomorrow.",
    "您好，已经为您查询，包裹明天送达。",
    "I have sent you a return label.",
    "Done: the new address is in.",
)
"""What agents answer; cards in what customers write are masked before they are stored."""
