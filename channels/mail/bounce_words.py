"""How mail servers say in plain words that a mail failed: for those that send no delivery-status part."""

import re

STATUS = re.compile(r"(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.]*\d)")
"""An enhanced status code of RFC 3463."""
CODE = re.compile(r"(?:^|[\s:>(\[#'\"])([45][0-5]\d)(?=[\s\-:)'\"#]|$)", re.MULTILINE)
"""A reply code of RFC 5321."""
SUBJECT = re.compile(
    r"^\W{0,4}(?:\[?\*{0,5}spam\*{0,5}\]?\s*)?(?:un-?deliver(?:ed|able|y)|delivery (?:status notification|"
    r"failure|failed|notification|delayed|error|problem|report|has failed)|failure notice|failed mail|"
    r"failed delivery|failed message|mail (?:delivery|system error|could not|not delivered|returned|"
    r"failure|failed)|returned mail|returned to sender|non-?deliver|not delivered|message (?:status|delivery|"
    r"delayed|undeliverable|could not|not delivered|you sent)|your message .{0,40}(?:not|could|was|"
    r"cannot)|e-?mail (?:delivery|could not|not delivered)|rejected(?: mail)?:|warning: (?:could not send|"
    r"message|e-?mail)|could not (?:send|deliver)|unable to deliver|permanent delivery|temporary delivery|"
    r"bounce|automatically rejected|user unknown|mailbox (?:full|unavailable)|over quota|undelivered mail|"
    r"error sending|"
    r"unzustellbar|unzustellbare|nicht zustellbar|zustellung|mail ?delivery|benachrichtung zum|"
    r"übermittlung|fehlgeschlagen|non (?:remis|distribuable|recapitabile|entregad)|échec|echec|"
    r"notification d'échec|impossible de|no se (?:puede|pudo|ha podido)|no entregad|error de entrega|"
    r"notificación de (?:error|estado)|mensaje no entregado|não (?:é possível|entregue|foi possível)|"
    r"falha na entrega|mancata consegna|impossibile recapitare|niet (?:bestelbaar|afgeleverd)|"
    r"onbestelbaar|недоставлен|(?:ваше сообщение )?не (?:доставлено|удалось)|ошибка доставки|kan (?:inte|ikke) leveres|"
    r"oleverbart|niedostarczon|zwrot|系统退信|退信|邮件无法|投递失败|無法傳遞|未傳遞|配信不能|配信エラー|"
    r"配達不能|送信できません|不達|반송|전송 실패|배달)",
    re.IGNORECASE,
)
FAILED = re.compile(
    r"(?:could|can|was|were|has|have|is|are)\s*(?:not|n't|not been) (?:be )?(?:delivered|sent|reach|"
    r"relayed|accepted|able to deliver)|cannot be delivered|(?:been|automatically) (?:returned|rejected)|"
    r"delivery problem|undeliverable|not delivered|unable to deliver|"
    r"failed to deliver|delivery (?:has )?fail|deliver(?:y|ed)? (?:to the following|to these) recip|"
    r"permanent(?:ly)? (?:fatal )?(?:error|fail)|fatal errors|(?:could|did) not reach|"
    r"returned to (?:the )?sender|user (?:is )?unknown|unknown (?:user|host)|no such user|user not known|"
    r"no valid recipient|(?:address|recipient|"
    r"mailbox|account|user) (?:was |is |has been )?(?:not found|unavailable|disabled|rejected|unknown|"
    r"does not exist|doesn't exist|not exist|inactive|over quota|full)|invalid (?:final delivery )?(?:userid|"
    r"recipient|address|mailbox)|host (?:or domain name )?(?:not found|unknown)|couldn't find any host|"
    r"retry time(?:out)? (?:not reached|exceeded)|delivery (?:time )?expired|konnte nicht|"
    r"nicht zugestellt|n'a (?:pas )?pu être|n'est pas parvenu|no se (?:ha )?pud?o|não (?:foi|pôde)|"
    r"non è stato|не (?:было|может быть|удалось) доставлен|无法(?:投递|发送|送达)|未能送达|無法傳遞|配信できません|"
    r"送信できません",
    re.IGNORECASE,
)
DELAYED = re.compile(
    r"not yet been delivered|(?:delivery|message|mail) (?:is |has been |"
    r"was |to .{0,80} )?delayed|delivery temporarily suspended|warning message only|"
    r"you do not need to resend|do not need to (?:re)?send|will (?:continue to|keep) try|"
    r"delivery attempts will continue|could not be sent for|still (?:being )?retried|wird weiter versucht|"
    r"verzögert",
    re.IGNORECASE,
)
GIVEN_UP = re.compile(r"permanent|giving up|given up|(?:been|queue|tried) (?:for )?too long", re.IGNORECASE)
FULL_OR_BUSY = re.compile(
    r"quota|mailbox (?:is )?full|mailbox size|storage|try (?:again|later)|temporar|timed out|time-?out|"
    r"deferred|greylist|graylist|too many (?:connections|messages)|connection (?:refused|reset|lost|"
    r"closed)|not responding|no route to host|retry time|resources|disk full|expired|rate limit|too busy",
    re.IGNORECASE,
)
COPY_BELOW = re.compile(
    r"^(?:-{2,}.{0,60}(?:copy of|original|below this line|returned (?:message|mail)|message headers|this is a copy|"
    r"header).{0,80}|.{0,20}below this line is a copy.{0,40}|return-path: .{0,200}|received: (?:from|"
    r"by) .{0,200})$",
    re.IGNORECASE | re.MULTILINE,
)
"""Where the returned mail begins in a report that is one text."""
RECIPIENT_LINE = re.compile(
    r"^[ \t>*'\"]{0,8}(?:recipient(?: address)?:|to:|rcpt to:|user:)?\s{0,4}<?([\w.!#$%&*+/=?^`{|"
    r"}~-]{1,64}@[\w.-]{1,255}\w)>?['\"]?(?::|\s*$|\s+(?:on|\(|-)|\.{3})",
    re.IGNORECASE | re.MULTILINE,
)
