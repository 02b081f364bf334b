"""Templates: texts that a provider approved beforehand, which it takes at any time. Only what fills them in is ours."""

import re
from enum import StrEnum

import msgspec

from domain.event import RuleBroken

PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
"""Where a parameter goes: `{{1}}`."""
NOT_IN_A_PARAMETER = re.compile(r"[\r\n\t]| {5}")


class ChannelTakesNoTemplates(RuleBroken):
    """The customer's channel knows no templates."""


class TemplateStandsAlone(RuleBroken):
    """The words of a template are fixed: it takes no text beside it, and at most one file, for its header."""


class TemplateNotFilled(RuleBroken):
    """What fills in a template is one line, without tabs and without more than four spaces in a row."""


class ButtonKind(StrEnum):
    """What a button does."""

    URL = "url"
    """It opens an address."""
    QUICK_REPLY = "quick_reply"
    """It answers for the customer."""


class TemplateButton(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What fills in one of a template's buttons."""

    index: int
    """Which of them, from 0."""
    kind: ButtonKind
    text: str
    """The end of the address that it opens, or what comes back when it is pressed."""


class Template(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An approved text, and what fills it in."""

    name: str
    """As in `order_update`."""
    language: str
    """As in `de` or `en_US`."""
    parameters: tuple[str, ...] = ()
    """Of the body, in order: `{{1}}`, `{{2}}`…"""
    header: str = ""
    """Of a header of text; that of a picture, video or document is the reply's attachment."""
    buttons: tuple[TemplateButton, ...] = ()
    words: str = ""
    """How it reads, filled in, where that was known when it was sent."""

    @property
    def summary(self) -> str:
        """How it reads; else in one line: `order_update: Ana, 4711`."""
        told = f"{self.name}: {', '.join(self.parameters)}" if self.parameters else self.name
        return self.words or told


class ApprovedButton(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A button of an approved template."""

    kind: str
    """As the provider calls it: `url`, `quick_reply`, `phone_number`…"""
    text: str
    url: str = ""
    """What it opens; `{{1}}` is filled in."""


class Approved(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A template as it was approved.

    Example: `{"name": "order_update", "language": "de", "category": "utility", "body": "Hallo {{1}}, Ihr Paket {{2}}
    ist unterwegs.", "footer": "Ihr Shop"}`
    """

    name: str
    language: str
    category: str = ""
    """`utility`, `marketing`, `authentication`…"""
    header_kind: str = ""
    """`text`, `image`, `video`, `document`, `location`; empty: it has no header."""
    header: str = ""
    """Of a header of text."""
    body: str = ""
    footer: str = ""
    buttons: tuple[ApprovedButton, ...] = ()


def wording_of(approved: Approved, template: Template) -> str:
    """How the template reads, filled in: header, body and footer. Empty where what it is filled with does not fit."""
    header = _filled(approved.header, (template.header,) if template.header else ())
    body = _filled(approved.body, template.parameters)
    if header is None or body is None:
        return ""
    return "\n\n".join(part for part in (header, body, approved.footer) if part)


def _filled(text: str, parameters: tuple[str, ...]) -> str | None:
    """None unless the places are numbered and there is a parameter for each, and no more."""
    if {found[1] for found in PLACE.finditer(text)} != {str(nth) for nth in range(1, len(parameters) + 1)}:
        return None
    return PLACE.sub(lambda found: parameters[int(found[1]) - 1], text)


def demand_template(channel: str, template: Template, text: str, files: int, *, is_taken: bool) -> None:
    """Of a reply that is a template: what WhatsApp, the one channel with templates so far, would refuse.

    Raises ChannelTakesNoTemplates, TemplateStandsAlone, TemplateNotFilled.
    """
    if not is_taken:
        raise ChannelTakesNoTemplates(f"template: {channel} knows no templates")
    if text:
        raise TemplateStandsAlone("text: the words of a template are fixed; leave the text out")
    if files > 1:
        raise TemplateStandsAlone(f"attachments: the header of a template takes one file; these are {files}")
    for nth, parameter in enumerate(template.parameters):
        if NOT_IN_A_PARAMETER.search(parameter):
            raise TemplateNotFilled(
                f"template.parameters[{nth}]: {channel} takes no line ends, no tabs and at most four spaces in a row"
            )
