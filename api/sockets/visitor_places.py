"""Where one visitor stands while they wait: their own conversations in this web chat, and nobody else's."""

from api.http.known import fresh_state
from api.parts import Parts
from api.sockets.connection import Closing, Code
from api.sockets.visitor_frames import place_frame, places_of
from api.sockets.visitor_identity import VisitorIdentity
from application.expectations.expectation import VIEW
from application.log import LogUnreachable
from application.watching.viewer import Viewer
from channels import webchat


class VisitorPlaces:
    """Turns frames of expectations into those of the visitor's protocol."""

    def __init__(self, parts: Parts, viewer: Viewer, account_id: str, identity: VisitorIdentity) -> None:
        self._parts = parts
        self._viewer = viewer
        self._account_id = account_id
        self._identity = identity
        self._told: set[str] = set()
        """Conversations of which the visitor knows that they stand somewhere."""

    async def watch(self, customer_id: str) -> None:
        """From now on. Raises what the hub raises."""
        await self._parts.hub.watch(self._viewer, VIEW, customer_id)

    async def told_by(self, frame: bytes) -> list[webchat.Place] | None:
        """What the visitor is told of it; None for a frame of another view. Raises Closing."""
        places = places_of(frame)
        if places is None:
            return None
        gone = {places.gone} & self._told
        if places.is_snapshot:
            gone = self._told - places.stand.keys()
        told = [webchat.Place(place=0) for _ in gone]
        self._told -= gone
        for conversation_id, stands in places.stand.items():
            if await self._is_theirs(places.customer_id, conversation_id):
                self._told.add(conversation_id)
                told.append(place_frame(stands))
        return told

    async def _is_theirs(self, customer_id: str, conversation_id: str) -> bool:
        """The customer may wait elsewhere too, and have other browsers: each sees its own."""
        if conversation_id in self._told:
            return True
        try:
            customer, _ = await fresh_state(self._parts, customer_id)
        except LogUnreachable:
            raise Closing(Code.TRY_AGAIN, "try again shortly") from None
        one = customer.conversations.get(conversation_id)
        sees = self._identity.sees(customer_id)
        return one is not None and one.account_id == self._account_id and (not sees or one.handle == sees)
