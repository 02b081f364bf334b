"""Who gets it: offers that are declined or missed, work that is handed on, and agents who go home."""

from tests.api.deployment import Caller, Deployment
from tests.api.situations import Shop, a_shop
from tests.scenarios.screens import Row, Screen, a_desk, a_screen


def waiting_since(screen: Screen, queue_id: str, conversation_id: str) -> str:
    """Since when it waits, as the queue's board shows it, once it does."""
    board = f"queue_board:{queue_id}"
    screen.until(lambda: conversation_id in screen.rows.get(board, {}), f"{conversation_id} waits")
    since: str = screen.rows[board][conversation_id]["waiting_since"]
    return since


def patience(shop: Shop, seconds: int) -> None:
    """How long an agent of the shop has to answer an offer."""
    definition = {
        "name": f"Queue {shop.skill}",
        "required_skills": {shop.skill: 1},
        "offer_timeout_seconds": seconds,
    }
    shop.administrator.done(f"/v1/queues/{shop.queue_id}/define", definition)


def test_what_one_agent_declines_another_gets(deployment: Deployment, administrator: Caller) -> None:
    shop = a_shop(deployment, administrator)

    with a_desk(shop) as first, a_desk(shop) as second:
        taken = shop.bring("ana")
        first.declines(first.sees("offered"))
        first.loses(taken["conversation_id"])
        card = second.accepts(second.sees("offered"))

    assert card["id"] == taken["conversation_id"]


def test_who_misses_an_offer_is_away_and_the_next_agent_gets_it(
    deployment: Deployment, administrator: Caller, supervisor: Caller
) -> None:
    shop = a_shop(deployment, administrator)
    patience(shop, 1)

    def presence(board: Screen, agent: Caller) -> tuple[str, str]:
        row: Row = board.rows.get("agent_board:team", {}).get(agent.agent_id, {"agent": {}})
        return row["agent"].get("presence", ""), row.get("presence_reason", "")

    with a_desk(shop) as absent, a_desk(shop) as present, a_screen(deployment, supervisor) as board:
        board.watch("agent_board")
        taken = shop.bring("ana")
        absent.sees("offered")
        card = present.accepts(present.sees("offered"))
        absent.loses(taken["conversation_id"])
        board.until(lambda: presence(board, absent.agent)[0] == "away", "the absent agent is away")

    assert card["id"] == taken["conversation_id"]
    assert presence(board, absent.agent)[1]
    assert presence(board, present.agent)[0] == "available"


def test_a_transfer_to_a_queue_keeps_the_age_and_takes_the_timeline_away(
    deployment: Deployment, administrator: Caller, supervisor: Caller
) -> None:
    shop, technicians = a_shop(deployment, administrator), a_shop(deployment, administrator)

    with a_screen(deployment, supervisor) as boards, a_desk(shop) as desk:
        boards.watch(f"queue_board:{shop.queue_id}")
        boards.watch(f"queue_board:{technicians.queue_id}")
        taken = shop.bring("ana")
        came = waiting_since(boards, shop.queue_id, taken["conversation_id"])
        card = desk.accepts(desk.sees("offered"))
        desk.watch(f"timeline:{card['customer_id']}")
        desk.does(card, "transfer", {"to_queue_id": technicians.queue_id, "reason": "needs a technician"})
        again = waiting_since(boards, technicians.queue_id, card["id"])
        desk.loses(card["id"])
        desk.until(lambda: f"timeline:{card['customer_id']}" in desk.ended, "the timeline ends")
        refused = desk.agent.get(f"/v1/customers/{card['customer_id']}/timeline")

    assert again == came
    assert refused.status_code == 404


def test_a_transfer_to_an_agent_is_offered_at_once(deployment: Deployment, administrator: Caller) -> None:
    shop, technicians = a_shop(deployment, administrator), a_shop(deployment, administrator)

    with a_desk(shop) as desk, a_desk(technicians) as technician:
        shop.bring("ana")
        card = desk.accepts(desk.sees("offered"))
        desk.watch(f"timeline:{card['customer_id']}")
        desk.does(card, "transfer", {"to_agent_id": technician.agent.agent_id, "reason": "knows it"})
        offered = technician.sees("offered")
        desk.until(lambda: f"timeline:{card['customer_id']}" in desk.ended, "the timeline ends")
        technician.watch(f"timeline:{card['customer_id']}")
        technician.accepts(offered)

    assert offered["id"] == card["id"]


def test_work_of_an_agent_who_signs_out_goes_back_with_its_age(
    deployment: Deployment, administrator: Caller, supervisor: Caller
) -> None:
    shop = a_shop(deployment, administrator)

    with a_screen(deployment, supervisor) as board, a_desk(shop) as leaving:
        board.watch(f"queue_board:{shop.queue_id}")
        held, offered = shop.bring("ana"), shop.bring("ben")
        came = {
            one["conversation_id"]: waiting_since(board, shop.queue_id, one["conversation_id"])
            for one in (held, offered)
        }
        leaving.accepts(leaving.sees("offered", held["conversation_id"]))
        leaving.sees("offered", offered["conversation_id"])
        leaving.agent.done(f"/v1/agents/{leaving.agent.agent_id}/change_presence", {"presence": "offline"})
        leaving.loses(held["conversation_id"])
        leaving.loses(offered["conversation_id"])
        again = {one: waiting_since(board, shop.queue_id, one) for one in came}
        with a_desk(shop) as coming:
            coming.accepts(coming.sees("offered", held["conversation_id"]))
            coming.accepts(coming.sees("offered", offered["conversation_id"]))

    assert again == came
