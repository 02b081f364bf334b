"""The router's rules told a second time, slowly: everything is looked up anew in the log and the aggregates.

Shares no code with `domain/routing/`, so that a mistake would have to be made twice to go unseen.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from domain.agent import Agent, Presence
from domain.assignment import ConversationOffered
from domain.classification import ConversationOverflowed
from domain.conversation import Conversation, Status
from domain.policy import ChoiceRule
from domain.routing.decisions import Decision, Overflow, Relax
from tests.domain.routing.looked_up import (
    declined_until,
    definition_of,
    enqueued,
    has_been,
    idle_since,
    is_open,
    named,
    step_of,
)
from tests.domain.routing.shop import Shop

Said = tuple[str, str, str]
"""`("Offer", conversation, agent)`, the same with `Expire` and `Withdraw`; `("Relax", conversation, step)`;
`("Overflow", conversation, queue)`."""


def said(decision: Decision) -> Said:
    match decision:
        case Relax(step=step):
            return "Relax", decision.conversation_id, str(step)
        case Overflow(rule=rule):
            return "Overflow", decision.conversation_id, rule.to_queue_id
        case _:
            return type(decision).__name__, decision.conversation_id, decision.agent_id


def ends(shop: Shop) -> list[Said]:
    """Offers that may not stand any more, by conversation; then those that ran out, the earliest first."""
    lost: list[Said] = []
    over: list[tuple[datetime, Said]] = []
    for _, one in shop.every(Status.OFFERED):
        agent_id, expires_at = one.agent_id or "", one.offer_expires_at
        agent = shop.agents[agent_id]
        if not agent.is_signed_in or not is_qualified(shop, one, agent):
            lost.append(("Withdraw", one.id, agent_id))
        elif expires_at is not None and expires_at <= shop.now:
            over.append((expires_at, ("Expire", one.id, agent_id)))
    return [*lost, *(said for _, said in sorted(over))]


def overflows(shop: Shop) -> list[Said]:
    """By queue, where there is too much or it is closed; then whatever has waited too long, the earliest due first."""
    found: dict[str, Said] = {}
    for queue_id in sorted(shop.queues):
        queued = sorted(
            (one for _, one in shop.every(Status.WAITING) if one.queue_id == queue_id),
            key=lambda one: enqueued(shop, one.id)[0],
        )
        for rule in definition_of(shop, queue_id).overflow:
            excess = queued[rule.limit :] if rule.when == "length" else queued
            if rule.when == "waited" or (rule.when == "closed" and is_open(shop, queue_id)):
                continue
            for one in excess:
                if not has_been(one, rule.to_queue_id):
                    found.setdefault(one.id, ("Overflow", one.id, rule.to_queue_id))
    for one in due_first(shop):
        for rule in definition_of(shop, one.queue_id or "").overflow:
            _, entered_at, _ = enqueued(shop, one.id)
            is_due = rule.when == "waited" and entered_at + timedelta(seconds=rule.limit) <= shop.now
            if is_due and not has_been(one, rule.to_queue_id):
                found.setdefault(one.id, ("Overflow", one.id, rule.to_queue_id))
    return list(found.values())


def owes_offers(shop: Shop) -> bool:
    """Whether something has overflowed since anything was offered."""
    latest = [one.event for one in shop.log if isinstance(one.event, ConversationOverflowed | ConversationOffered)][-1:]
    return isinstance(latest[0], ConversationOverflowed) if latest else False


def relaxations(shop: Shop, *, but_for: Sequence[Said]) -> list[Said]:
    """What has waited longer than the next step of its timetable says, the earliest due first, but for what goes."""
    gone = {conversation_id for _, conversation_id, _ in but_for}
    found = []
    for one in due_first(shop):
        _, entered_at, _ = enqueued(shop, one.id)
        timetable = definition_of(shop, one.queue_id or "").relaxation
        step = sum(entered_at + timedelta(seconds=step.after_seconds) <= shop.now for step in timetable)
        if step > step_of(shop, one.id) and one.id not in gone:
            found.append(("Relax", one.id, str(step)))
    return found


def due_first(shop: Shop) -> list[Conversation]:
    """What waits, by the first moment of its queue's timetable or limits that is still to be dealt with."""
    moments: list[tuple[datetime, str, Conversation]] = []
    for _, one in shop.every(Status.WAITING):
        _, entered_at, _ = enqueued(shop, one.id)
        definition = definition_of(shop, one.queue_id or "")
        after = [step.after_seconds for step in definition.relaxation[step_of(shop, one.id) :]]
        after += [
            rule.limit for rule in definition.overflow if rule.when == "waited" and not has_been(one, rule.to_queue_id)
        ]
        if after:
            moments.append((entered_at + timedelta(seconds=min(after)), one.id, one))
    return [one for moment, _, one in sorted(moments, key=lambda due: due[:2]) if moment <= shop.now]


def next_offer(shop: Shop) -> Said | None:
    """The highest score that anybody may take, to the first of those who may."""
    waiting = [one for _, one in shop.every(Status.WAITING) if is_open(shop, one.queue_id or "")]
    for one in sorted(waiting, key=lambda one: (-score(shop, one), enqueued(shop, one.id)[0])):
        if able := who_may_take(shop, one):
            return "Offer", one.id, first_of(shop, one, able)
    return None


def score(shop: Shop, one: Conversation) -> timedelta:
    assert one.waiting_since is not None
    rules = shop.policy.rules
    seconds = one.priority * rules.priority_boost_seconds + one.age_adjustment_seconds
    seconds += rules.tiers.get(one.tier, 0) + rules.sentiments.get(one.sentiment, 0)
    lead = timedelta(seconds=rules.deadline_lead_seconds)
    if lead and one.due_at is not None and shop.now >= one.due_at - lead:
        seconds += rules.deadline_boost_seconds
    return timedelta(seconds=seconds) + (shop.now - one.waiting_since)


def who_may_take(shop: Shop, one: Conversation) -> list[str]:
    known = awaited(shop, one)
    may = shop.agents if known is None else {known: shop.agents[known]}
    able = [agent_id for agent_id, agent in may.items() if is_able(shop, one, agent)]
    rests = declined_until(shop, one.id)
    fresh = [agent_id for agent_id in able if rests.get(agent_id, shop.now) <= shop.now]
    if fresh or not rests:
        return fresh
    for agent_id, agent in may.items():
        has_declined = rests.get(agent_id, shop.now) > shop.now
        if not has_declined and is_able(shop, one, replace(agent, work={})):
            return []  # somebody else is left, if busy
    latest = list(rests)[-1]
    return [agent_id for agent_id in able if agent_id != latest]


def awaited(shop: Shop, one: Conversation) -> str | None:
    """The agent who was named for it, else the one who knows the customer, while it waits for nobody else."""
    _, entered_at, event = enqueued(shop, one.id)
    rules, (preferred, named_at) = shop.policy.rules, named(shop, one.id)
    for agent_id, since, seconds in (
        (preferred, named_at, rules.preferred_agent_seconds),
        (event.known_agent_id, entered_at, rules.known_agent_seconds),
    ):
        if not seconds or agent_id not in shop.agents or agent_id in declined_until(shop, one.id):
            continue
        agent = shop.agents[agent_id]
        is_in_time = shop.now < since + timedelta(seconds=seconds)
        if is_in_time and agent.presence is Presence.AVAILABLE and is_qualified(shop, one, agent):
            return agent_id
    return None


def is_able(shop: Shop, one: Conversation, agent: Agent) -> bool:
    return agent.presence is Presence.AVAILABLE and is_qualified(shop, one, agent) and has_room(shop, one, agent)


def is_qualified(shop: Shop, one: Conversation, agent: Agent) -> bool:
    skills, groups = asked_for(shop, one)
    if agent.channels and one.channel not in agent.channels:
        return False
    if groups and not any(group in agent.groups for group in groups):
        return False
    return has_all(shop, agent, skills)


def has_all(shop: Shop, agent: Agent, skills: dict[str, int]) -> bool:
    return all(level_of(shop, agent, skill) >= level for skill, level in skills.items())


def level_of(shop: Shop, agent: Agent, skill: str) -> int:
    ends_at = agent.skills_end.get(skill)
    return 0 if ends_at is not None and ends_at <= shop.now else agent.skills.get(skill, 0)


def has_room(shop: Shop, one: Conversation, agent: Agent) -> bool:
    rules = shop.policy.rules
    kind = rules.kinds.get(one.channel, rules.kind_otherwise)
    units = definition_of(shop, one.queue_id or "").units.get(one.channel) or rules.units_of(one.channel)
    held = list(agent.work.values())
    if any(kind in rules.blocks.get(work.kind, ()) for work in held):
        return False
    if sum(work.channel == one.channel for work in held) >= rules.at_most.get(one.channel, 1_000):
        return False
    return units + sum(work.units for work in held if kind not in rules.yields.get(work.kind, ())) <= agent.capacity


def asked_for(shop: Shop, one: Conversation) -> tuple[dict[str, int], set[str]]:
    """Skills and groups after the steps that were taken; no group: everybody."""
    definition, rules = definition_of(shop, one.queue_id or ""), shop.policy.rules
    steps = definition.relaxation[: step_of(shop, one.id)]
    dropped = {skill for step in steps for skill in step.drop}
    skills = dict(definition.required_skills)
    for step in steps:
        for skill, level in step.lower.items():
            if skill in skills:
                skills[skill] = level
    more = dict(one.skills)
    if rules.language_prefix and one.language:
        spoken = rules.language_prefix + one.language
        if more.get(spoken) != 0:  # it gave it up in a queue before
            more[spoken] = max(more.get(spoken, 0), rules.language_level)
    for skill, level in more.items():
        if level:
            skills[skill] = max(level, skills.get(skill, 0) if skill not in dropped else 0)
    groups = set(definition.groups)
    for step in steps:
        groups = set() if not groups or "*" in step.widen else groups | set(step.widen)
    return {skill: level for skill, level in skills.items() if skill not in dropped}, groups


def first_of(shop: Shop, one: Conversation, able: list[str]) -> str:
    """Those with the preferred skills before the others; among them as the rule of choice says."""
    definition = definition_of(shop, one.queue_id or "")
    preferred = definition.preferred_skills
    if preferred and awaited(shop, one) is None:
        able = [agent_id for agent_id in able if has_all(shop, shop.agents[agent_id], preferred)] or able
    return min(able, key=lambda agent_id: (-merit(shop, one, agent_id), idle_since(shop, agent_id), agent_id))


def merit(shop: Shop, one: Conversation, agent_id: str) -> float:
    agent, rules = shop.agents[agent_id], shop.policy.rules
    definition = definition_of(shop, one.queue_id or "")
    counted = {*asked_for(shop, one)[0], *definition.preferred_skills}
    levels = sum(level_of(shop, agent, skill) for skill in counted)
    used = sum(work.units for work in agent.work.values()) / agent.capacity
    idle_minutes = (shop.now - idle_since(shop, agent_id)[0]) / timedelta(minutes=1)
    match definition.choice or rules.choice:
        case ChoiceRule.MOST_SKILLED:
            return levels
        case ChoiceRule.LEAST_LOADED:
            return -used
        case ChoiceRule.WEIGHTED:
            return rules.weights.skill * levels + rules.weights.idle * idle_minutes - rules.weights.load * used
        case _:
            return 0  # the longest idle: settled by the tie
