"""What would be held against a policy that is only tried: a simulation runs it all the same, but not without a word."""

from collections.abc import Sequence

import msgspec

from application.plans.document import Document
from application.plans.judging.judge import judge
from application.plans.problems import Problem
from application.plans.situation import Situation
from application.whatif.recorded.history import History
from application.whatif.roster import Roster
from application.whatif.staffing import Staffing
from domain.account import AccountDefinition
from domain.routing.facts import Facts


def doubts_about(
    document: Document, history: History, facts: Facts, roster: Roster, accounts: Sequence[AccountDefinition]
) -> list[Problem]:
    """Every problem and warning, as they would be told of the document before it is applied.

    Judged beside the facts at the end of the history, with the agents of the roster; of what waits, nothing is said,
    for nothing real can be stranded. Raises RosterInvalid.
    """
    staffing = Staffing(msgspec.msgpack.decode(msgspec.msgpack.encode(facts), type=Facts), history.changes)
    for one in roster:
        staffing.change(one)
    agents = {agent_id: desk.agent for agent_id, desk in staffing.facts.desks.items() if desk.agent.is_registered}
    situation = Situation(
        at=history.until, policy=facts.policy, queues=facts.queues, agents=agents, accounts=tuple(accounts)
    )
    return judge(document, situation)
