"""Permissions: the one table of which role may do what, and to whose things."""

from enum import StrEnum

from api.http.refusals import NotAllowed, Unknown
from domain.calls.stages import is_served_by
from domain.customer import Customer
from domain.person import Person, Role


class Reach(StrEnum):
    """To whose things."""

    ALL = "all"
    OWN = "own"
    """An agent's: themselves, the conversations they hold or are offered, and those customers, and who calls them. An
    adapter's: the accounts its key names. What is not theirs is unknown to them: 404, not 403."""
    NONE = "none"


class Action(StrEnum):
    """What there is to do."""

    KNOW_ONESELF = "know_oneself"
    OPEN_SOCKET = "open_socket"
    READ_CONVERSATIONS = "read_conversations"
    WORK_ON_CONVERSATIONS = "work_on_conversations"
    """Accept, decline, reply, hold, resume, wrap up: only as the agent who has it."""
    STEER_CONVERSATIONS = "steer_conversations"
    """Note, tag, set priority, enqueue, transfer, close, reopen."""
    CLASSIFY_CONVERSATIONS = "classify_conversations"
    """Say how much the customer means, their language and their mood, and who is to serve them."""
    PICK_WORK = "pick_work"
    """Take what waits, whoever's customer it is: only as an agent."""
    OVERRIDE_ROUTING = "override_routing"
    """Adjust ages; give work to who has no room for it."""
    READ_DECISIONS = "read_decisions"
    """Why an agent was offered a conversation; agents of offers made to themselves."""
    READ_CUSTOMERS = "read_customers"
    KNOW_CUSTOMERS = "know_customers"
    LOG_CALLS = "log_calls"
    BRING_MESSAGES = "bring_messages"
    READ_AGENTS = "read_agents"
    REGISTER_AGENTS = "register_agents"
    SIGN_AGENTS_IN = "sign_agents_in"
    """Sign in and change presence."""
    SET_ABILITIES = "set_abilities"
    """Skills and capacity."""
    READ_QUEUES = "read_queues"
    READ_BOARDS = "read_boards"
    DEFINE_QUEUES = "define_queues"
    READ_POLICY = "read_policy"
    DEFINE_POLICY = "define_policy"
    READ_ACCOUNTS = "read_accounts"
    READ_TEMPLATES = "read_templates"
    """The texts that a provider approved for an account, to choose one."""
    DEFINE_ACCOUNTS = "define_accounts"
    READ_PEOPLE = "read_people"
    ADMIT_PEOPLE = "admit_people"
    """Admit, bar, readmit, give roles, replace passwords, issue keys."""
    READ_DELIVERIES = "read_deliveries"
    """What providers delivered and how it fared; not what was in it."""
    READ_RAW_DELIVERIES = "read_raw_deliveries"
    RETRY_DELIVERIES = "retry_deliveries"
    READ_LOG = "read_log"
    READ_METRICS = "read_metrics"


_A, _O, _N = Reach.ALL, Reach.OWN, Reach.NONE
_ROLES = (Role.AGENT, Role.SUPERVISOR, Role.AUDITOR, Role.ADMINISTRATOR, Role.ADAPTER)
# fmt: off
_TABLE: dict[Action, tuple[Reach, Reach, Reach, Reach, Reach]] = {
    #                             agent supervisor auditor administrator adapter
    Action.KNOW_ONESELF:          (_O,    _O,        _O,     _O,           _O),
    Action.OPEN_SOCKET:           (_O,    _A,        _A,     _N,           _N),
    Action.READ_CONVERSATIONS:    (_O,    _A,        _A,     _N,           _N),
    Action.WORK_ON_CONVERSATIONS: (_O,    _O,        _N,     _N,           _N),
    Action.STEER_CONVERSATIONS:   (_O,    _A,        _N,     _N,           _N),
    Action.CLASSIFY_CONVERSATIONS: (_O,   _A,        _N,     _N,           _O),
    Action.PICK_WORK:             (_A,    _A,        _N,     _N,           _N),
    Action.OVERRIDE_ROUTING:      (_N,    _A,        _N,     _N,           _N),
    Action.READ_DECISIONS:        (_O,    _A,        _A,     _A,           _N),
    Action.READ_CUSTOMERS:        (_O,    _A,        _A,     _N,           _N),
    Action.KNOW_CUSTOMERS:        (_O,    _A,        _N,     _N,           _N),
    Action.LOG_CALLS:             (_O,    _A,        _N,     _N,           _O),
    Action.BRING_MESSAGES:        (_N,    _N,        _N,     _N,           _O),
    Action.READ_AGENTS:           (_O,    _A,        _A,     _A,           _N),
    Action.REGISTER_AGENTS:       (_N,    _N,        _N,     _A,           _N),
    Action.SIGN_AGENTS_IN:        (_O,    _A,        _N,     _N,           _N),
    Action.SET_ABILITIES:         (_N,    _A,        _N,     _A,           _N),
    Action.READ_QUEUES:           (_A,    _A,        _A,     _A,           _N),
    Action.READ_BOARDS:           (_N,    _A,        _A,     _N,           _N),
    Action.DEFINE_QUEUES:         (_N,    _N,        _N,     _A,           _N),
    Action.READ_POLICY:           (_N,    _A,        _A,     _A,           _N),
    Action.DEFINE_POLICY:         (_N,    _N,        _N,     _A,           _N),
    Action.READ_ACCOUNTS:         (_N,    _A,        _A,     _A,           _N),
    Action.READ_TEMPLATES:        (_A,    _A,        _A,     _A,           _N),
    Action.DEFINE_ACCOUNTS:       (_N,    _N,        _N,     _A,           _N),
    Action.READ_PEOPLE:           (_N,    _N,        _A,     _A,           _N),
    Action.ADMIT_PEOPLE:          (_N,    _N,        _N,     _A,           _N),
    Action.READ_DELIVERIES:       (_N,    _A,        _A,     _A,           _N),
    Action.READ_RAW_DELIVERIES:   (_N,    _N,        _A,     _A,           _N),
    Action.RETRY_DELIVERIES:      (_N,    _A,        _N,     _A,           _N),
    Action.READ_LOG:              (_N,    _N,        _A,     _N,           _N),
    Action.READ_METRICS:          (_N,    _N,        _A,     _N,           _N),
}
# fmt: on
PERMISSIONS: dict[tuple[Action, Role | None], Reach] = {
    (action, role): reach for action, reaches in _TABLE.items() for role, reach in zip(_ROLES, reaches, strict=True)
}


def reach_of(person: Person, action: Action) -> Reach:
    """How far the person's role goes."""
    return PERMISSIONS.get((action, person.role), Reach.NONE)


def demand(person: Person, action: Action) -> Reach:
    """Raises NotAllowed where the role does not go at all."""
    reach = reach_of(person, action)
    if reach is Reach.NONE:
        raise NotAllowed
    return reach


def own_agent(person: Person) -> str:
    """The agent that the person works as. Raises NotAllowed."""
    if person.agent_id is None:
        raise NotAllowed("you are not admitted as an agent, so there is nothing you could hold")
    return person.agent_id


def demand_agent(person: Person, reach: Reach, agent_id: str) -> None:
    """Raises Unknown for an agent beyond the person's reach."""
    if reach is Reach.OWN and agent_id != person.agent_id:
        raise Unknown


def demand_account(person: Person, account_id: str) -> None:
    """Raises Unknown for an account that the adapter's key does not name; a key that names none is good for all."""
    if person.account_ids and account_id not in person.account_ids:
        raise Unknown


def serves(person: Person, customer: Customer) -> bool:
    """Whether the person holds, or is offered, a conversation of the customer at this moment, or a call of theirs."""
    if person.agent_id is None:
        return False
    holds = any(one.agent_id == person.agent_id for one in customer.conversations.values())
    return holds or is_served_by(customer.calls, person.agent_id)
