"""Lines for one agent alone come and go: who comes back stands in the line that there is now."""

from domain.policy import ChoiceRule
from domain.routing.lines import Lines, Terms
from domain.workload import Ask


def for_one(agent_id: str) -> Terms:
    ask = Ask(channel="webchat", units=2)
    return Terms(skills=(), groups=(), preferred=(), ask=ask, choice=ChoiceRule.LONGEST_IDLE, agent_id=agent_id)


def test_who_comes_back_to_a_forgotten_line_stands_in_the_one_that_took_its_place() -> None:
    lines = Lines()
    for agent_id in ("kim", "lee"):
        lines.join(agent_id, lines.line(for_one(agent_id)), key=1, position=1)
    stood = lines.leave("kim")
    lines.leave("lee")
    lines.join("another", lines.line(for_one("kim")), key=2, position=2)

    assert stood is not None
    lines.put_back(*stood)

    now = lines.line(for_one("kim"))
    assert lines.line_of("kim") is now
    assert [conversation_id for _, _, conversation_id in now.waiting] == ["kim", "another"]
    assert lines.first[now.number] == now.waiting[0]
