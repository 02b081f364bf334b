"""Many seeded runs of a scenario, on as many processors as there are."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from signal import SIG_IGN, SIGINT, signal

from application.whatif.figures.counting import Yardstick
from application.whatif.figures.ledger import Ledger, Tally
from application.whatif.floor import Floor
from application.whatif.recorded.history import Drawn, History
from application.whatif.scenario import Scenario

Run = tuple[int, int]
"""Which of the scenarios, which of its replications; both from 0."""


class Runs:
    """The scenarios of one history, each to be run with the same seeds and measured by one yardstick."""

    def __init__(self, history: History, scenarios: Sequence[Scenario], yardstick: Yardstick, seed: int) -> None:
        self.scenarios = scenarios
        self._history = history
        self._yardstick = yardstick
        self._seed = seed
        self._drawn = Drawn(history)

    def run(self, which: Run) -> Tally:
        """One run: the same seed and scenario give the same tally to the last bit, and every scenario the same luck."""
        scenario, replication = which
        return simulated(self.scenarios[scenario], self._drawn, self._yardstick, f"{self._seed}/{replication}")

    def all(self, replications: int, workers: int = 1) -> Iterator[tuple[Run, Tally]]:
        """Every run with what it came to, in whatever order they are done."""
        runs = [(scenario, nth) for nth in range(replications) for scenario in range(len(self.scenarios))]
        if workers == 1:
            yield from ((run, self.run(run)) for run in runs)
            return
        arguments = self._history, self.scenarios, self._yardstick, self._seed
        # Spawned, not forked: whoever starts it may have threads, and a fork would copy their locks as they stand.
        with ProcessPoolExecutor(workers, get_context("spawn"), _begin, arguments) as pool:
            pending = {pool.submit(_run, run): run for run in runs}
            try:
                yield from ((pending[done], done.result()) for done in as_completed(pending))
            finally:
                pool.shutdown(cancel_futures=True)  # after Ctrl-C, too: what has begun ends within one run


def simulated(scenario: Scenario, drawn: Drawn, yardstick: Yardstick, seed: str) -> Tally:
    """One run of one scenario."""
    ledger = Ledger(scenario.since, scenario.facts(), scenario.left_out)
    Floor(scenario, drawn, seed, ledger.take).run()
    return ledger.finish(yardstick)


_of_this_process: list[Runs] = []


def _begin(history: History, scenarios: Sequence[Scenario], yardstick: Yardstick, seed: int) -> None:
    """What a worker needs, handed over once and not with each run. Ctrl-C is for the one who started it."""
    signal(SIGINT, SIG_IGN)
    _of_this_process[:] = [Runs(history, scenarios, yardstick, seed)]


def _run(which: Run) -> Tally:
    return _of_this_process[0].run(which)
