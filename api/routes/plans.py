"""Routing documents: rules and queues together, checked, applied as one, and their history."""

import msgspec

from api.access.permissions import Action
from api.http.answer import Answer, Stands, done_answer, json_answer
from api.http.asked import Asked
from api.http.operation import Nothing, command, read
from api.http.preconditions import expected_revision
from api.http.refusals import Invalid, MediaTypeUnsupported
from api.http.serving import read_query
from application.commands import Command
from application.plans.history import Version, history
from application.plans.problems import Problem

YAML = "application/yaml"
ALSO = ("application/json",)
TAKEN = {YAML, *ALSO, "application/x-yaml", "text/yaml", "text/x-yaml"}
EXAMPLE = """\
policy:
  units: {phone: 6, webchat: 2}
queues:
  Anybody: {}
  Returns:
    overflow: [{when: waited, limit: 300, to_queue: Anybody}]
"""


class ForceQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a document is applied."""

    force: bool = False


class PlanChecked(msgspec.Struct, frozen=True, kw_only=True):
    """A document that may be applied."""

    number: int
    """Of the policy that it was judged beside; send it as `If-Match` when applying."""
    sha256: str
    """Of the document in canonical JSON."""
    changes: list[str]
    """What it would change: `policy`, and the names of queues; empty where all stands so already."""
    warnings: list[Problem]
    """What is likely not meant; `?force=true` applies it all the same. Of a document that stands already, all that is
    wrong with it, and work that waits now and that nobody can serve.
    """


class PlanApplied(Stands, kw_only=True):
    """The document stands."""

    number: int
    """Of the policy that has it."""
    sha256: str


class PolicyHistory(msgspec.Struct, frozen=True, kw_only=True):
    """Every number, the newest first."""

    items: list[Version]


def _document(asked: Asked[bytes]) -> bytes:
    """Raises MediaTypeUnsupported, Invalid."""
    said = (asked.header(b"content-type") or YAML).partition(";")[0].strip().lower()
    if said not in TAKEN:
        raise MediaTypeUnsupported(f"{said[:100]}: this takes {YAML} or {ALSO[0]}")
    if not asked.raw.strip():
        raise Invalid("$", "the body is empty; this takes a routing document")
    return asked.raw


@command(
    "/v1/policy/check",
    Action.DEFINE_POLICY,
    takes=bytes,
    gives=PlanChecked,
    key="none",
    media_type=YAML,
    also_takes=ALSO,
    example=EXAMPLE,
    statuses=(409, 412, 415),
)
async def check_plan(asked: Asked[bytes]) -> Answer:
    """Check a routing document.

    Changes nothing. `policy` has the fields of the policy, `queues` those of queues by name or id; what the document
    does not name stays as it is, what it names is replaced as a whole. `{retired: true, to_queue: …}` gives a queue
    up. Every mistake is told at once, with its line and column: what cannot be read or is out of range, and what could
    not work here: skills or groups that nobody has, queues that nobody could serve, overflow that goes in
    a circle, waiting work that nobody could take any more.
    """
    expected = expected_revision(asked.header(b"if-match"))
    judged = await asked.parts.plans.check(
        Command(actor=asked.person.id, at=asked.at, expected_revision=expected), _document(asked)
    )
    return json_answer(
        PlanChecked(
            number=judged.number, sha256=judged.sha256, changes=list(judged.changes), warnings=list(judged.warnings)
        )
    )


@command(
    "/v1/policy/apply",
    Action.DEFINE_POLICY,
    takes=bytes,
    gives=PlanApplied,
    media_type=YAML,
    also_takes=ALSO,
    example=EXAMPLE,
    has_revision=True,
    statuses=(415,),
)
async def apply_plan(asked: Asked[bytes]) -> Answer:
    """Apply a routing document.

    All of it, as the next number of the policy, or nothing. It is judged as by `check`; warnings refuse it too, unless
    the query says `force=true`. `If-Match` names the number that it was made from. The same document again is no news.
    """
    query: ForceQuery = read_query(asked.query_string, ForceQuery)
    applied = await asked.parts.plans.apply(asked.command, _document(asked), is_forced=query.force)
    done = applied.done
    return done_answer(done, PlanApplied(position=done.position, number=applied.number, sha256=applied.sha256))


@read("/v1/policy/history", Action.READ_POLICY, gives=PolicyHistory)
async def read_policy_history(asked: Asked[Nothing]) -> Answer:
    """Every number of the policy.

    Who set it, when, and what it changed, the newest first. Numbers never change and never go away.
    """
    parts = asked.parts
    versions = await history(parts.log, list(parts.directory.queues))
    return json_answer(PolicyHistory(items=versions[::-1]))


OPERATIONS = (check_plan, apply_plan, read_policy_history)
