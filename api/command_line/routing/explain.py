"""`onethread explain`: why an agent was offered a conversation."""

from datetime import datetime

import click
import msgspec
from rich.console import Console

from api.command_line.routing.explained import printed, printed_otherwise
from api.command_line.run import run_with_parts
from api.parts import Parts
from application.explaining.explain_decisions import ExplainDecisions
from application.explaining.explanation import Explanation, Step, Unassigned
from domain.assignment import ConversationOffered


@click.command()
@click.argument("decision", required=False)
@click.option(
    "--conversation",
    "conversation_id",
    help="Explain instead why this conversation waits; if it does not, its newest offer.",
)
@click.option(
    "--agent", metavar="AGENT", help="Tell also why this agent did not get it: an id, or a name that one agent has."
)
@click.option("--json", "as_json", is_flag=True, help="Print the explanation as JSON, as the API gives it.")
def explain(decision: str | None, conversation_id: str | None, agent: str | None, as_json: bool) -> None:  # noqa: FBT001  # a flag
    """Tell why an agent was offered a conversation, recomputed from the log.

    DECISION is the id of an offer, as timelines and GET /v1/decisions show it, or the position of an offer, a
    relaxation, an overflow or an offer that ran out or was taken back. The answer for an offer has four stages: how the
    conversation came in, what routing knew of it, how it waited, and who could be asked in which order, with every
    reason of everybody who could not. At the end it is decided once more from the log: the same winner, or not.

    \b
    Examples:
      onethread explain offer-0193a7c2d4e57f0aa1b2c3d4e5f60718
      onethread explain --conversation conversation-0193a7c2d4e57f0aa1b2c3d4e5f60718
      onethread explain offer-0193… --agent agent-0193…     why did that agent not get it?
    """  # noqa: D301  # click keeps the lines of a paragraph that begins with this character
    if (decision is None) == (conversation_id is None):
        raise click.UsageError("name a decision, or a conversation with --conversation")

    async def run(parts: Parts) -> None:
        with Console(stderr=True).status("reading the log"):
            told = await _told(parts.explain, decision or "", conversation_id, agent, parts.clock())
        if as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(told)))
            return
        console = Console()
        for part in printed(told) if isinstance(told, Explanation) else printed_otherwise(told):
            console.print(part)

    run_with_parts(run)


async def _told(
    explain: ExplainDecisions, decision: str, conversation_id: str | None, agent: str | None, at: datetime
) -> Explanation | Unassigned | Step:
    if conversation_id is not None:
        waits = await explain.unassigned(conversation_id, at, agent)
        return waits or await explain.explain(await explain.latest_of(conversation_id), agent)
    if not decision.isdecimal():
        return await explain.explain(await explain.offered(decision), agent)
    recorded = await explain.at(int(decision))
    if isinstance(recorded.event, ConversationOffered):
        return await explain.explain(recorded, agent)
    return await explain.step(recorded)
