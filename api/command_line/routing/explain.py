"""`onethread explain`: why an agent was offered a conversation."""

import click
import msgspec
from rich.console import Console

from api.command_line.routing.explained import printed
from api.command_line.run import run_with_parts
from api.parts import Parts


@click.command()
@click.argument("decision", required=False)
@click.option("--conversation", "conversation_id", help="Explain the newest offer of this conversation instead.")
@click.option("--agent", "agent_id", help="Tell also why this agent did not get it.")
@click.option("--json", "as_json", is_flag=True, help="Print the explanation as JSON, as the API gives it.")
def explain(decision: str | None, conversation_id: str | None, agent_id: str | None, as_json: bool) -> None:  # noqa: FBT001  # a flag
    """Tell why an agent was offered a conversation, recomputed from the log.

    DECISION is the id of an offer, as timelines and GET /v1/decisions show it. The answer has four stages: how the
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
        if conversation_id is not None:
            offered = await parts.explain.latest_of(conversation_id)
        else:
            offered = await parts.explain.offered(decision or "")
        told = await parts.explain.explain(offered, agent_id)
        if as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(told)))
            return
        console = Console()
        for part in printed(told):
            console.print(part)

    run_with_parts(run)
