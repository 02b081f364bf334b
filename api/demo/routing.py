"""How the demo's shop routes: a document as anybody writes one, kept where it can be read and copied."""

from api.parts import Parts
from application.commands import Command

FILE = "demo-routing.yaml"
DOCUMENT = """\
# How the demo's shop routes; every demo writes this anew. Change a copy:  onethread policy apply my-routing.yaml
policy:
  priority_boost_seconds: 60      # what one point of priority is worth, in waiting time
  known_agent_seconds: 3          # so long a customer waits for the agent who knows them

queues:
  Orders:
    required_skills: {orders: 5}
    service_level_seconds: 30
    relaxation:                   # who waits comes to ask less
      - {after_seconds: 3, lower: {orders: 3}}
    overflow:                     # who waits too long is promised something instead, and told so on their channel
      - when: waited
        limit: 20
        to_queue: Promised
        promise: email
        within_seconds: 7200
        words: {otherwise: "We have you on our list and write to you within two hours."}

  Returns:
    required_skills: {returns: 6}
    preferred_skills: {orders: 5} # asked first, but nobody waits for them
    priority: 2
    relaxation:
      - {after_seconds: 3, lower: {returns: 4}}

  International:
    required_skills: {orders: 2, "lang:zh": 5}
    priority: 1
    service_level_seconds: 45
    relaxation:
      - {after_seconds: 8, drop: ["lang:zh"]}
    overflow:
      - when: length
        limit: 3
        to_queue: Promised
        promise: callback
        within_seconds: 3600
        words:
          zh: 现在咨询的人很多，我们会在一小时内给您回电。
          otherwise: Many are asking at the moment. We call you back within the hour.

  Promised:                       # served when there is nothing more urgent
    service_level_seconds: 3600
"""


async def apply_routing(parts: Parts, command: Command) -> str:
    """As `onethread policy apply` does, and in its words; the same document again changes nothing."""
    (parts.settings.data_directory / FILE).write_text(DOCUMENT, encoding="utf-8")
    applied = await parts.plans.apply(command, DOCUMENT.encode(), FILE)
    changed = f"it changed {', '.join(applied.changes)}" if applied.changes else "all of it stands already"
    return f"{FILE} stands as number {applied.number} of the routing: {changed}."
