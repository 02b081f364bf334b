"""One open socket of a person: what they say, what they watch, and that they see nothing they may not see any more."""

import asyncio

from api.access.authentication import SESSION_MAX, password_mark
from api.access.permissions import Action, Reach, reach_of
from api.http.asked import Edge
from api.http.bodies import decode
from api.http.problems import problem_of
from api.http.refusals import Invalid, NotAllowed, SignInNeeded, Unknown
from api.sockets.connection import Closing, Code, Connection, until_first_ends
from api.sockets.frames import (
    ClientFrame,
    PongFrame,
    PresenceFrame,
    ProblemFrame,
    TypingFrame,
    UnwatchFrame,
    WatchFrame,
    WatchingFrame,
    decoder,
    encode,
)
from api.sockets.typing import SILENT, Pace, Whisper
from api.sockets.watches import CALLS, CONVERSATIONS, TIMELINE, Watched, demand_watch, read_watch
from application.log import LogUnreachable
from application.push import TooManyWatches
from application.views import ViewNotBuilt, ViewsUnreachable
from application.watching.frames import UnwatchedFrame
from application.watching.viewer import Disconnected, TooSlow
from domain.calls.stages import CallAnswered
from domain.person import Person

REFUSALS = (Invalid, NotAllowed, Unknown, TooManyWatches, ViewsUnreachable, ViewNotBuilt, LogUnreachable)
NAME_WITHIN_BYTES = 160
"""A frame names its watch within so many bytes."""
KIND_WITHIN_BYTES = 400
"""And the kind of a timeline's entry within so many."""
TIMELINE_PUT, CALL_TAKEN = b'{"type":"put","watch":"timeline:', f'"kind":"{CallAnswered.TOPIC}"'.encode()


class PeopleSession:
    """Runs until the client, the hub or the person's access ends it.

    Agents see a customer's timeline while they have a conversation or a call of theirs. So with a timeline the agent's
    own inbox and calls are watched too, shown or not: whenever something leaves them, or somebody takes a call, the
    timelines are looked at again.
    """

    def __init__(self, edge: Edge, connection: Connection, person: Person) -> None:
        parts = self._parts = edge.parts
        self._typing = edge.typing
        self._connection = connection
        self._person = person
        self._mark = password_mark(person)
        self._viewer = parts.hub.connect(person.id)
        self._shown: dict[str, Watched] = {}
        """By the name that frames carry: what the client asked for."""
        self._paces: dict[str, Pace] = {}
        self._own = [Watched(view, person.agent_id) for view in (CONVERSATIONS, CALLS) if person.agent_id]
        self._followed: set[Watched] = set()
        """Those of their own that are watched, shown or not."""
        self._muted: set[str] = set()
        """Watches that ended while frames of them still wait; dropped until `unwatched` comes by."""
        self._ending: Closing | None = None
        self._last_frame = b""
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Raises Closing, Gone."""
        await until_first_ends(self._listen(), self._speak(), self._cut_off(), self._follow_person(), self._expire())

    def end(self) -> None:
        """Lets the hub go."""
        for watched in self._shown.values():
            self._typing.leave(watched.scope, self._hear_typing)
        self._parts.hub.disconnect(self._viewer)

    def person_changed(self) -> None:
        """They were barred, or may do other things now: looked into at once."""
        self._changed.set()

    async def _listen(self) -> None:
        while True:
            text = await self._connection.receive()
            watch = ""
            try:
                frame = decode(text.encode("utf-8", "surrogatepass"), decoder)
                watch = getattr(frame, "watch", "")
                await self._obey(frame)
            except REFUSALS as refusal:
                problem, _ = problem_of(refusal, "")
                self._viewer.put(encode(ProblemFrame(problem.type, problem.detail or problem.title, watch)))
            except Disconnected:
                continue  # `_speak` knows why, and ends it

    async def _obey(self, frame: ClientFrame) -> None:
        """Raises what `REFUSALS` names."""
        match frame:
            case WatchFrame(watch=name, after=after):
                await self._watch(name, after)
            case UnwatchFrame(watch=name):
                self._unwatch(read_watch(name, self._person))
            case TypingFrame(watch=name, is_typing=is_typing):
                await self._tell_typing(name, is_typing=is_typing)
            case _:
                self._viewer.put(encode(PongFrame()))

    async def _watch(self, name: str, after: int | None) -> None:
        watched = read_watch(name, self._person)
        if watched.view == TIMELINE and reach_of(self._person, Action.READ_CUSTOMERS) is Reach.OWN:
            await self._follow_own()  # first, so that nothing leaves them unseen between the check and the watch
        await demand_watch(self._parts, self._person, watched)
        self._viewer.put(encode(WatchingFrame(name, watched.name)))
        self._shown[watched.name] = watched
        try:
            await self._parts.hub.watch(self._viewer, watched.view, watched.scope, after)
        except BaseException:
            self._shown.pop(watched.name, None)
            raise
        if watched in self._own:
            self._followed.add(watched)
        if watched.view == TIMELINE:
            may_write = reach_of(self._person, Action.WORK_ON_CONVERSATIONS) is not Reach.NONE
            await self._typing.listen(watched.scope, self._hear_typing, "" if may_write else SILENT)

    async def _tell_typing(self, name: str, *, is_typing: bool) -> None:
        """To the customer whose timeline they watch. Raises NotAllowed for who could not write to them anyway."""
        if reach_of(self._person, Action.WORK_ON_CONVERSATIONS) is Reach.NONE:
            raise NotAllowed
        if name not in self._shown or self._shown[name].view != TIMELINE:
            raise Unknown(f"{name} is not watched")
        if self._paces.setdefault(name, Pace()).is_news(is_typing=is_typing):
            await self._typing.tell(Whisper(self._shown[name].scope, is_typing))

    def _hear_typing(self, whisper: Whisper) -> None:
        name = f"{TIMELINE}:{whisper.customer_id}"
        if not whisper.account_id or name not in self._shown:
            return
        if whisper.is_present is not None:
            self._viewer.put(encode(PresenceFrame(name, whisper.is_present)))
        elif whisper.is_about_typing:
            self._viewer.put(encode(TypingFrame(name, whisper.is_typing)))

    async def _follow_own(self) -> None:
        for watched in self._own:
            if watched not in self._followed:
                await self._parts.hub.watch(self._viewer, watched.view, watched.scope)
                self._followed.add(watched)

    def _unwatch(self, watched: Watched, reason: str = "") -> None:
        if self._shown.pop(watched.name, None) is None:
            return
        self._typing.leave(watched.scope, self._hear_typing)
        self._paces.pop(watched.name, None)
        if watched in self._own and any(one.view == TIMELINE for one in self._shown.values()):
            self._viewer.put(encode(UnwatchedFrame(watched.name, reason)))  # still followed, no longer shown
            return
        self._followed.discard(watched)
        self._parts.hub.unwatch(self._viewer, watched.view, watched.scope, reason)

    async def _speak(self) -> None:
        gone = tuple(f'{{"type":"gone","watch":"{own.name}"'.encode() for own in self._own)
        pushed = self._parts.metrics.pushed
        while True:
            try:
                frame = await self._viewer.next()
            except TooSlow as error:
                raise Closing(Code.TOO_SLOW, str(error) or "you read too slowly") from None
            except Disconnected:
                raise Closing(Code.TRY_AGAIN, "this server is stopping") from None
            if frame.startswith(gone) or (frame.startswith(TIMELINE_PUT) and CALL_TAKEN in frame[:KIND_WITHIN_BYTES]):
                await self._recheck(TIMELINE)
            if self._is_for_client(frame):
                await self._connection.send(frame)
                pushed.inc()
            if frame is self._last_frame and self._ending is not None:
                raise self._ending

    def _is_for_client(self, frame: bytes) -> bool:
        """Not frames of what is only followed, nor what still waited of a watch that ended."""
        hidden = [one.name for one in self._followed if one.name not in self._shown]
        if not self._muted and not hidden:
            return True
        head = frame[:NAME_WITHIN_BYTES]
        is_farewell = head.startswith(b'{"type":"unwatched"')
        for name in tuple(self._muted):
            if f'"watch":"{name}"'.encode() in head:
                if is_farewell:
                    self._muted.discard(name)
                return is_farewell
        is_hidden = any(f'"watch":"{name}"'.encode() in head for name in hidden)
        return is_farewell or head.startswith(b'{"type":"watching"') or not is_hidden

    async def _cut_off(self) -> None:
        """A client that does not read keeps `_speak` from noticing that the hub has cut it off."""
        await self._viewer.is_over.wait()
        await asyncio.sleep(0.05)  # `_speak` goes first where it can
        raise Closing(Code.TOO_SLOW, "you read too slowly")

    async def _follow_person(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            person = self._parts.directory.person(self._person.id)
            if person is None or password_mark(person) != self._mark:
                self._end_session()
            else:
                self._person = person
                await self._recheck()

    def _end_session(self) -> None:
        """`_speak` closes the socket once it has sent everything up to the last frame."""
        if self._ending is not None:
            return
        reason = "you are signed out"
        for watched in list(self._shown.values()):
            self._unwatch(watched, reason)
            self._muted.add(watched.name)
        self._ending = Closing(Code.NOT_SIGNED_IN, reason)
        problem, _ = problem_of(SignInNeeded(reason), "")
        self._last_frame = encode(ProblemFrame(problem.type, reason))
        self._viewer.put(self._last_frame)

    async def _recheck(self, view: str = "") -> None:
        """Ends what the person may not watch any more; all of it, or what is watched of one view."""
        for watched in list(self._shown.values()):
            if view and watched.view != view:
                continue
            try:
                await demand_watch(self._parts, self._person, watched)
            except (NotAllowed, Unknown):
                self._muted.add(watched.name)
                self._unwatch(watched, "you may not see it any more")
            except LogUnreachable:  # better nothing than what may be another's by now
                self._muted.add(watched.name)
                self._unwatch(watched, "it cannot be told whether you may see it; watch it again")

    async def _expire(self) -> None:
        await asyncio.sleep(SESSION_MAX.total_seconds())
        raise Closing(Code.NOT_SIGNED_IN, "the session is over: sign in again")
