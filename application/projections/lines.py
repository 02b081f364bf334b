"""Lines of timelines in memory: those used last, and how events add lines, change them, or take a line's place."""

from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec.structs import replace

from application.projections.amendments import amended, joined
from application.projections.timeline import EntryRow, Line, line_from, line_of, name_of, row_of
from domain.calls.stages import CallEvent, CallLogged, Stage
from domain.event import Event, Recorded
from domain.interaction import MessageReceived, ReplyEchoed, ReplyWritten
from domain.outbound.delivery import DeliveryAccepted
from domain.outbound.receipts import DELIVERY_EVENTS, DeliveryEvent
from domain.threads.moves import MessageJoined, MessageLeft, MoveEvent

SAID = (MessageReceived, ReplyEchoed)
LINES_MAX = 20_000
"""Names of lines kept in memory; the one not used for longest goes first and is read again when needed."""
MISSING_MAX = 200_000
"""Names of messages that something was told about and that we do not have. With more, each message is looked up."""


class Lines:
    """The lines of one build of the timelines."""

    def __init__(self, lines_max: int = LINES_MAX) -> None:
        self.has_all = False
        """Whatever is stored is in memory too, so that nothing has to be read."""
        self.missing: set[int] | None = None
        """Names of all messages that we do not have and know something about; None while that is not known."""
        self._lines_max = lines_max
        self._lines: OrderedDict[int, Line] = OrderedDict()

    def forget(self, *, has_all: bool) -> None:
        """Begins anew; `has_all` if nothing is stored either."""
        self._lines.clear()
        self.has_all = has_all
        self.missing = set() if has_all else None

    def keep(self, lines: Mapping[int, Line]) -> None:
        """Remembers the lines as they are now stored."""
        for name, line in lines.items():
            self._lines[name] = line
            self._lines.move_to_end(name)
            if self.missing is not None:
                (self.missing.add if line.is_missing else self.missing.discard)(name)
        while len(self._lines) > self._lines_max:
            self._lines.popitem(last=False)
            self.has_all = False

    def get(self, name: int) -> Line | None:
        """The line if it is at hand."""
        return self._lines.get(name)

    def may_be_missing(self, *name: str) -> bool:
        """Whether something may have been told about a message before it came."""
        if self.missing is None or len(self.missing) > MISSING_MAX:
            return True
        return bool(self.missing) and name_of(*name) in self.missing


class Draft:
    """What a batch of events makes of the lines. Nothing of it is remembered until it is kept."""

    def __init__(self, kept: Lines) -> None:
        self.named: dict[int, Line] = {}
        """The lines that the batch changed, by every name."""
        self._kept = kept
        self._read: dict[int, Line | None] = {}
        self._touched: dict[int, Line] = {}  # by position
        self._new: set[int] = set()

    def unknown(self, events: Sequence[Recorded]) -> set[int]:
        """Names that have to be read before these events are taken. What is read may lead to more."""
        if self._kept.has_all:
            return set()
        found: set[int] = set()
        made: dict[int, str] = {}  # by the batch itself: the account of each
        for recorded in events:
            for name in self._needed(recorded, made):
                if name not in made and name not in self._read and self._kept.get(name) is None:
                    found.add(name)
        return found

    def add(self, names: Collection[int], rows: Sequence[EntryRow]) -> None:
        """What was read of these names."""
        self._read |= dict.fromkeys(names)
        for line in map(line_from, rows):
            self._read |= dict.fromkeys((name for name in (line.name, line.alias) if name), line)

    def rows(self) -> list[EntryRow]:
        """What is to be stored."""
        return [row_of(line, is_new=position in self._new) for position, line in self._touched.items()]

    def take(self, recorded: Recorded) -> None:
        """Where that raises, the lines are as before."""
        event, scope = recorded.event, recorded.stream
        if isinstance(event, SAID):
            if event.content.is_amending and event.content.about:
                self._amend_message(recorded, name_of(scope, event.account_id, event.content.about))
            else:
                self._say(recorded, event)
        elif isinstance(event, ReplyWritten):
            self._put(line_of(recorded, name=name_of(scope, event.message_id)), is_new=True)
        elif isinstance(event, DELIVERY_EVENTS):
            self._fare(recorded, event)
        elif isinstance(event, CallEvent) and event.account_id:
            self._call(recorded, event)
        else:
            self._put(line_of(recorded), is_new=True)
            if isinstance(event, MessageJoined | MessageLeft):
                self._move(recorded, event)

    def _say(self, recorded: Recorded, event: MessageReceived | ReplyEchoed) -> None:
        """A message. It takes the place of what was told about it before it came."""
        scope = recorded.stream
        name = name_of(scope, event.account_id, event.provider_id) if event.provider_id else 0
        alias = name_of(scope, event.message_id) if type(event) is ReplyEchoed else 0
        before = self._line(name)
        if before is None:
            self._put(line_of(recorded, name=name, alias=alias), is_new=True)
        elif before.is_missing:
            self._replace(before, line_of(recorded, name=name, alias=alias), recorded.position, is_new=True)
        elif not (isinstance(event, ReplyEchoed) and isinstance(before.entry.event, ReplyWritten)):
            own = name_of(scope, event.message_id) if isinstance(event, MessageReceived) else 0
            self._put(line_of(recorded, name=own), is_new=True)  # the channel's id means something else already

    def _amend_message(self, recorded: Recorded, name: int) -> None:
        """What is told about a message; where we do not have that, it is a line of its own, of the newest telling."""
        before = self._line(name)
        if before is None:
            line = line_of(recorded, name=name, is_missing=True)
            self._put(replace(line, told=amended(line.told, recorded)), is_new=True)
            return
        entry, told = before.entry, amended(before.told, recorded)
        if before.is_missing and recorded.occurred_at >= entry.occurred_at:
            entry = replace(line_of(recorded, is_missing=True).entry, position=entry.position)
        if told != before.told or entry is not before.entry:
            self._put(replace(before, entry=entry, told=told, changed=recorded.position))

    def _call(self, recorded: Recorded, event: CallEvent) -> None:
        """One line for one call, of the event that tells most, at the time when it began."""
        line = line_of(recorded, name=_name_of_call(recorded.stream, event))
        before = self._line(line.name)
        if before is None:
            self._put(replace(line, told=amended(line.told, recorded)), is_new=True)
            return
        told, entry = amended(before.told, recorded), before.entry
        if isinstance(event, CallLogged) or (told.call is not None and told.call.stage is not Stage.ENDED):
            entry = replace(entry, kind=line.entry.kind, event=event)
        entry = replace(entry, occurred_at=min(entry.occurred_at, line.entry.occurred_at))
        self._put(replace(before, entry=entry, told=told, changed=recorded.position))

    def _move(self, recorded: Recorded, event: MoveEvent) -> None:
        """The line of the mail shows where it is now."""
        for name in _names_changed(recorded.stream, event):
            before = self._line(name)
            if before is not None and getattr(before.entry.event, "message_id", "") == event.message_id:
                self._put(replace(before, told=amended(before.told, recorded), changed=recorded.position))
                return

    def _fare(self, recorded: Recorded, event: DeliveryEvent) -> None:
        """How something we sent fares. When we learn what the channel calls it, it takes the place of its echo."""
        before = self._line(name_of(recorded.stream, event.message_id))
        if before is None:
            self._put(line_of(recorded), is_new=True)
            return
        line = replace(before, told=amended(before.told, recorded), changed=recorded.position)
        if isinstance(event, DeliveryAccepted) and event.provider_id and not line.alias:
            account_id = getattr(line.entry.event, "account_id", "")
            line = replace(line, alias=name_of(line.scope, account_id, event.provider_id))
            other = self._line(line.alias)
            if other is not None and (other.is_missing or isinstance(other.entry.event, ReplyEchoed)):
                self._replace(other, line, recorded.position)
                return
        if line.told != before.told or line.alias != before.alias:
            self._put(line)

    def _replace(self, other: Line, line: Line, position: int, *, is_new: bool = False) -> None:
        told = joined(line.told, other.told)
        self._put(replace(other, is_gone=True, changed=position))
        self._put(replace(line, told=told), is_new=is_new)

    def _put(self, line: Line, *, is_new: bool = False) -> None:
        position = line.entry.position
        self._touched[position] = line
        if is_new:
            self._new.add(position)
        if line.name and not line.is_gone:
            self.named[line.name] = line
            if line.alias:
                self.named[line.alias] = line

    def _line(self, name: int) -> Line | None:
        for known in (self.named, self._read):
            if name in known:
                return known[name]
        return self._kept.get(name)

    def _needed(self, recorded: Recorded, made: dict[int, str]) -> Iterator[int]:
        """Names that the event leads to; notes in `made` those that it gives."""
        event, scope = recorded.event, recorded.stream
        if isinstance(event, SAID):
            if event.content.is_amending and event.content.about:
                yield name_of(scope, event.account_id, event.content.about)
                return
            is_echo = type(event) is ReplyEchoed
            if is_echo or self._kept.may_be_missing(scope, event.account_id, event.provider_id):
                yield name_of(scope, event.account_id, event.provider_id)
            if is_echo:
                made[name_of(scope, event.message_id)] = event.account_id
        elif isinstance(event, ReplyWritten):
            made[name_of(scope, event.message_id)] = event.account_id
        elif names := _names_changed(scope, event):
            yield from names
        elif isinstance(event, DELIVERY_EVENTS):
            name = name_of(scope, event.message_id)
            yield name
            if isinstance(event, DeliveryAccepted) and event.provider_id:
                line = self._line(name)
                account_id = made.get(name) or (getattr(line.entry.event, "account_id", "") if line else "")
                if account_id:
                    yield name_of(scope, account_id, event.provider_id)


def _names_changed(customer_id: str, event: Event) -> Sequence[int]:
    """What the line may be called that a move or a call changes: of mails of one id, all but the first go by ours."""
    if isinstance(event, MessageJoined) or (isinstance(event, MessageLeft) and event.to_customer_id):
        return name_of(customer_id, event.account_id, event.provider_id), name_of(customer_id, event.message_id)
    return (_name_of_call(customer_id, event),) if isinstance(event, CallEvent) and event.account_id else ()


def _name_of_call(customer_id: str, event: CallEvent) -> int:
    return name_of(customer_id, "call", event.account_id, event.call_id)
