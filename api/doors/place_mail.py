"""Looks up what the log knows of the ids and the subject that a mail names, so that it joins the right conversation."""

from collections.abc import Sequence

from msgspec.structs import replace

from application.commands import Commands
from channels.email import Mail
from channels.mail.placing.decision import Candidate, decided
from channels.mail.placing.subjects import is_reply, normalised
from domain.customer import Customer
from domain.interaction import Content, MessageReceived

NAMED_IDS_MAX = 50
"""Ids of a chain that are looked up, the nearest first."""
CANDIDATES_MAX = 5


async def placed(commands: Commands, account_id: str, mail: Mail) -> Mail:
    """The mail with the conversation it joins, and the rule that decided. Reads the log, changes nothing."""
    named = mail.named_ids[:NAMED_IDS_MAX]
    stored: dict[str, str] = {}
    candidates: list[Candidate] = []
    if not mail.message.conversation_id:
        found = await _messages(commands, account_id, named)
        stored = {one: message.conversation_id for one, message in found.items()}
        if not named and is_reply(mail.message.subject):
            candidates = await _candidates(commands, account_id, mail)
    conversation_id, rule = decided(
        mail.rule,
        mail.message.conversation_id,
        named=named,
        stored=stored,
        subject=mail.message.subject,
        sent_at=mail.message.occurred_at,
        candidates=candidates,
    )
    return replace(
        mail, rule=rule, message=replace(mail.message, conversation_id=conversation_id, joined_by=rule.value)
    )


async def _messages(commands: Commands, account_id: str, provider_ids: Sequence[str]) -> dict[str, Candidate]:
    """Where those of the mails with these Message-IDs are that this mailbox holds, found by their claims."""
    keys = {one: commands.claim_keys.message(account_id, "message", one, Content()).key for one in provider_ids}
    taken = await commands.log.claimed(list(keys.values())) if keys else {}
    found: dict[str, Candidate] = {}
    for one, key in keys.items():
        recorded = await commands.log.at(taken[key][0]) if key in taken else None
        if recorded is not None and isinstance(event := recorded.event, MessageReceived):
            found[one] = Candidate(
                conversation_id=event.conversation_id, subject=event.subject, latest_at=recorded.occurred_at
            )
    return found


async def _candidates(commands: Commands, account_id: str, mail: Mail) -> list[Candidate]:
    """The sender's conversations in this mailbox with the same subject, and when they last wrote in each."""
    identity = commands.claim_keys.identity_key("email", "", mail.message.handle)
    taken = await commands.log.claimed([identity])
    recorded = await commands.log.at(taken[identity][0]) if identity in taken else None
    if recorded is None:
        return []
    customer: Customer
    customer, _ = await commands.states.load(recorded.stream)
    wanted = normalised(mail.message.subject)
    fitting = [
        one
        for one in customer.conversations.values()
        if one.account_id == account_id and normalised(one.subject) == wanted
    ][-CANDIDATES_MAX:]
    latest = await _messages(commands, account_id, [one.latest_provider_id for one in fitting])
    return [
        Candidate(conversation_id=one.id, subject=one.subject, latest_at=found.latest_at)
        for one in fitting
        if (found := latest.get(one.latest_provider_id)) is not None
    ]
