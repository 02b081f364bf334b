"""Templates: texts that a provider approved beforehand, which it takes at any time. Only what fills them in is ours."""

import re
from enum import StrEnum

import msgspec

from domain.event import RuleBroken

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

    @property
    def summary(self) -> str:
        """In one line: `order_update: Ana, 4711`."""
        return f"{self.name}: {', '.join(self.parameters)}" if self.parameters else self.name


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
