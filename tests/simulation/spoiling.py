"""Streams that cannot be read for a while, and a router that begins to lead once they can."""

import asyncio
from collections.abc import Sequence
from random import Random

import psycopg

from domain.conversation import Status
from tests.application.situations import Shop
from tests.simulation.witness import Witness

SPOIL = "UPDATE onethread_events SET state = state || '\\x00' WHERE originator_id = %s AND originator_version = 1"
MEND = """UPDATE onethread_events SET state = substr(state, 1, length(state) - 1)
    WHERE originator_id = %s AND originator_version = 1"""

AT_REST = (Status.WAITING, Status.CLOSED)


class Spoiling:
    """Spoils the first event of customers who wait, once everybody has read it."""

    def __init__(self, random: Random, processes: Sequence[Shop], witness: Witness) -> None:
        self.spoiled: set[str] = set()
        self._random = random
        self._processes = processes
        self._witness = witness

    def spoil(self) -> None:
        """Of one customer whose conversations all wait, or are closed. Nobody can decide about them any more."""
        waiting = {whose for whose, _ in self._witness.conversations(Status.WAITING)}
        busy = {whose for whose, one in self._witness.conversations(*Status) if one.status not in AT_REST}
        if found := sorted(waiting - busy - self.spoiled):
            customer_id = self._random.choice(found)
            self._change(SPOIL, customer_id)
            self.spoiled.add(customer_id)

    async def mend(self) -> None:
        """All can be read again, and a router begins to lead."""
        for customer_id in self.spoiled:
            self._change(MEND, customer_id)
        self.spoiled.clear()
        router = self._processes[0].router
        leading = asyncio.create_task(router.lead())
        await asyncio.sleep(0)
        await router.settle()
        leading.cancel()
        await router.settle()

    def _change(self, statement: str, customer_id: str) -> None:
        with psycopg.connect(self._processes[0].url) as connection:
            connection.execute(statement, (customer_id,))
        for process in self._processes:  # as if they had begun after it
            process.states.forget(customer_id)
