"""How long each reader of the log lets events gather before it takes them together."""

GATHER_SECONDS = {
    "timeline": 0.005,
    "queue_board": 0.005,
    "agent_board": 0.005,
    "decisions": 0.05,
    "send_replies": 0.02,
    "return_work": 0.02,
    "tell_promises": 0.05,
    "hand_chats_over": 0.5,
    "end_lost_calls": 0.5,
    "fetch_media": 0.05,
    "expectations": 0.2,
    "keep_snapshots": 1.0,
    "count_traffic": 1.0,
}
"""How long a reader lets events gather before it takes them together: the less a person waits for it, the longer.
The inbox and live calls, which light an agent's screen up, and the router do not wait at all."""
