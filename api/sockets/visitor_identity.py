"""Who one visitor is in one session: by the token of their browser, by what proves it, or only by what they say."""

from msgspec.structs import replace

from api.doors.visitors_door import new_visitor
from api.parts import Parts
from application.commands import Command
from application.use_cases.prove_visitors import Home
from channels import webchat
from channels.chat.identity import claimed
from channels.chat.tokens import verify_visitor_token
from channels.edge.text import one_line
from domain.customer import Visitor, VisitorIsAnother


class VisitorIdentity:
    """A proof holds until the session ends: saying something else later does not undo it."""

    def __init__(self, parts: Parts, account_id: str, settings: webchat.Settings, token: str) -> None:
        """Raises SignatureWrong for a token that is not of this web chat, or too old."""
        self._parts = parts
        self._account_id = account_id
        self._settings = settings
        at, visitor_id = parts.clock(), ""
        if token:
            keys = settings.visitor_keys
            visitor_id = verify_visitor_token(token, account_id=account_id, keys=keys, at=at)
        self._stands = new_visitor(account_id, settings, at, visitor_id)
        self._claim: Visitor | None = None
        """Said, and not written down yet."""
        self.is_new = not token
        self.who = Visitor()
        self.name = ""
        """What they call themselves: shown with their words, proven or not."""
        self.home = Home()

    @property
    def visitor_id(self) -> str:
        return self._stands.visitor_id

    @property
    def token(self) -> str:
        """What the browser says hello with next time."""
        return self._stands.token

    def sees(self, customer_id: str) -> str:
        """The address whose words they see of the customer; empty for all, once they proved to be that customer."""
        return "" if self.who.method and customer_id == self.home.customer_id else self.visitor_id

    async def identify(self, frame: webchat.Identify) -> bool:
        """Whether the frame proves who they are. Raises SignatureWrong, and what the log raises."""
        at, self.name = self._parts.clock(), frame.name or self.name
        said = webchat.read_identity(frame, self._settings, account_id=self._account_id, at=at)
        said = replace(said, language=one_line(frame.language))
        self.name = said.name or self.name
        if said.method:
            await self._prove(said)
            left = claimed(user="", name="", email=frame.email, phone="")
            self._claim = replace(left, language=said.language) if not said.email else None
            await self._note()
            return True
        if not self.who.method:
            self.who = said
            self._claim = said
            await self._note()
        return False

    async def look_up(self) -> None:
        """Finds who a visitor without a proof was. Raises LogUnreachable."""
        if not self.is_new and not self.who.method:
            self.home = await self._parts.visitors.find(self._account_id, self.visitor_id)
            await self._note()

    async def spoke(self, customer_id: str) -> None:
        """Something of theirs was stored there. Raises what the log raises."""
        if self.home.customer_id:
            return
        self.home = Home(customer_id=customer_id)
        if self.who.method:
            await self._prove(self.who)
        await self._note()

    async def _prove(self, who: Visitor) -> None:
        """On a browser that was another customer's before, as a new visitor."""
        try:
            self.home = await self._proven(who)
        except VisitorIsAnother:
            self._stands = new_visitor(self._account_id, self._settings, self._parts.clock())
            self.home = await self._proven(who)
        self.who = who

    async def _proven(self, who: Visitor) -> Home:
        return await self._parts.visitors.prove(self._command(), self._account_id, self.visitor_id, who)

    async def _note(self) -> None:
        """Of who is proven only the address that they leave, which no HMAC covers."""
        if self._claim is not None and self.home.customer_id:
            claim, self._claim = self._claim, None
            handle = self.who.handle if self.who.method else self.visitor_id
            if claim.user or claim.email or claim.phone:
                await self._parts.visitors.claim(
                    self._command(), self.home.customer_id, self._account_id, handle, claim
                )

    def _command(self) -> Command:
        return Command(actor=self._account_id, at=self._parts.clock())
