"""What an account may still send at this moment. Time is an argument."""

from collections import OrderedDict, deque
from datetime import datetime, timedelta

from application.exchange.limits import Limits


class Budget:
    """Counts what was sent. Within any span of a rate no more than its number leaves, also where two spans meet, as a
    bucket that refills would allow: providers count that way. What was sent before a restart is told by `spent.py`.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._sent = [deque[datetime](maxlen=rate.sends) for rate in limits.rates]
        self._sent_to: OrderedDict[str, datetime] = OrderedDict()

    @property
    def limits(self) -> Limits:
        return self._limits

    def change(self, limits: Limits) -> None:
        """Other limits; what was sent still counts."""
        longest = max(self._sent, key=len, default=deque[datetime]())
        self._sent = [deque(longest, maxlen=rate.sends) for rate in limits.rates]
        self._limits = limits

    def free_at(self, now: datetime) -> datetime:
        """When the account may send again; `now` if at once."""
        self._heed(now)
        free = [
            sent[0] + timedelta(seconds=rate.seconds)
            for rate, sent in zip(self._limits.rates, self._sent, strict=True)
            if len(sent) == rate.sends
        ]
        return max([now, *free])

    def free_for(self, handle: str, now: datetime) -> datetime:
        """When this person may be sent to again, as far as the gap goes; `now` if at once."""
        self._heed(now)
        last = self._sent_to.get(handle)
        return now if last is None else max(now, last + timedelta(seconds=self._limits.gap_seconds))

    def spend(self, handle: str, now: datetime) -> None:
        """Something leaves for that person."""
        for sent in self._sent:
            sent.append(now)
        if not self._limits.gap_seconds:
            return
        self._sent_to[handle] = now
        self._sent_to.move_to_end(handle)
        gap = timedelta(seconds=self._limits.gap_seconds)
        while self._sent_to and next(iter(self._sent_to.values())) + gap < now:
            self._sent_to.popitem(last=False)

    def _heed(self, now: datetime) -> None:
        """A clock that was set back: what was sent later than now counts as sent now, so that it costs no more than
        each rate's own period.
        """
        if any(sent and sent[-1] > now for sent in self._sent):
            self._sent = [deque((min(at, now) for at in sent), maxlen=sent.maxlen) for sent in self._sent]
            self._sent_to = OrderedDict((handle, min(at, now)) for handle, at in self._sent_to.items())
