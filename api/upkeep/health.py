"""Operations of the deployment: is it alive, is it ready, how is it doing, and what do its problems mean."""

import asyncio
from contextlib import suppress

import msgspec

from api.access.authentication import authenticate
from api.access.permissions import Action, demand
from api.http.answer import Answer, json_answer
from api.http.asked import Asked
from api.http.operation import Nothing, read
from api.http.problems import documented
from api.http.refusals import Unknown
from api.upkeep.account_health import health_of_all
from application.log import LogUnreachable
from application.views import ViewNotBuilt, ViewsUnreachable

READY_SECONDS_MAX = 2.0
LAG_SECONDS_MAX = 30.0
"""A reader further behind than this makes the process unready."""


class Alive(msgspec.Struct, frozen=True, kw_only=True):
    """The process answers."""

    status: str = "alive"


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether requests should come here."""

    status: str
    """`ready` or `not ready`."""
    log: str
    """`reachable` or `unreachable`."""
    lag_seconds: dict[str, float]
    """By reader that runs in this process: age of the oldest event it has not read."""
    views: dict[str, int]
    """Position of each view, wherever its projection runs; -1 for one that has not been built yet."""
    elsewhere: list[str]
    """Readers that another process has the lease of."""
    parked: dict[str, int]
    """By projection: streams that it cannot follow."""


class ProblemShown(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of problem."""

    type: str
    title: str
    status: int


class ProblemsShown(msgspec.Struct, frozen=True, kw_only=True):
    """Every kind of problem there is."""

    items: list[ProblemShown]


@read("/health/live", None, gives=Alive)
async def read_liveness(asked: Asked[Nothing]) -> Answer:
    """Is the process alive.

    No use in restarting it for anything that `ready` says.
    """
    del asked  # whoever asks, the answer is the same
    return json_answer(Alive())


@read("/health/ready", None, gives=Readiness, other_answers={503: Readiness})
async def read_readiness(asked: Asked[Nothing]) -> Answer:
    """Should requests come here.

    503 while the log cannot be reached, a view has not been built yet, or a reader of this process is more than 30
    seconds behind. Parked streams do not make it unready: other streams go on, and somebody should look.
    """
    parts = asked.parts
    lags: dict[str, float] = {}
    views = dict.fromkeys(parts.projections, -1)
    log = "reachable"
    try:
        async with asyncio.timeout(READY_SECONDS_MAX):
            lags = await parts.metrics.measure_lag(parts.log, parts.followers, asked.at)
            for name in views:
                with suppress(ViewNotBuilt):
                    views[name] = await parts.views.position(name)
    except (LogUnreachable, ViewsUnreachable, TimeoutError):
        log = "unreachable"
    here = {name for name, follower in parts.followers.items() if follower.position >= 0}
    if not parts.router.leads:  # it follows everywhere; only where it decides does anybody wait for it
        here.discard(parts.router.name)
    lags = {name: lag for name, lag in lags.items() if name in here}
    is_built = "directory" in here and all(position >= 0 for position in views.values())
    is_ready = log == "reachable" and is_built and all(lag <= LAG_SECONDS_MAX for lag in lags.values())
    readiness = Readiness(
        status="ready" if is_ready else "not ready",
        log=log,
        lag_seconds=lags,
        views=views,
        elsewhere=sorted(parts.followers.keys() - here),
        parked={name: len(projection.parked) for name, projection in parts.projections.items() if projection.parked},
    )
    return json_answer(readiness, status=200 if is_ready else 503)


@read("/metrics", None, gives=None, answer_media_type="text/plain", statuses=(401, 403))
async def read_metrics(asked: Asked[Nothing]) -> Answer:
    """Metrics in Prometheus' form.

    Open to all, or to auditors only: `ONETHREAD_METRICS` says which. Lags, queues and parked streams are measured when
    they are asked for; of readers that run elsewhere, their own process tells.
    """
    parts = asked.parts
    if parts.settings.metrics == "auditor":
        person = authenticate(asked.header(b"authorization"), asked.at, parts.directory, asked.edge.tokens)
        demand(person, Action.READ_METRICS)
    parts.metrics.measure_routing(parts.router)
    parts.metrics.measure_parked(parts.projections)
    parts.metrics.measure_media(parts.followers, asked.at)
    with suppress(LogUnreachable, TimeoutError):  # what the process counted by itself is worth telling all the same
        async with asyncio.timeout(READY_SECONDS_MAX):
            await parts.metrics.measure_lag(parts.log, parts.followers, asked.at)
            stuck = await parts.stuck_replies.load()
            parts.metrics.account_stuck.labels("").set(sum(not one.account_id for one in stuck))
            for one in await health_of_all(parts, asked.at, stuck):
                parts.metrics.account_lag_seconds.labels(one.account_id).set(one.lag_seconds)
                parts.metrics.account_waiting.labels(one.account_id).set(one.waiting)
                parts.metrics.account_parked.labels(one.account_id).set(one.parked)
                parts.metrics.account_stuck.labels(one.account_id).set(one.replies_stuck)
                parts.metrics.account_shares_secret.labels(one.account_id).set(bool(one.shares_secret_with))
                parts.metrics.account_silent.labels(one.account_id).set(one.is_silent)
    return Answer(200, parts.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@read("/problems", None, gives=ProblemsShown)
async def list_problems(asked: Asked[Nothing]) -> Answer:
    """Every kind of problem there is."""
    del asked
    return json_answer(ProblemsShown(items=[_shown(slug) for slug in documented()]))


@read("/problems/{slug}", None, gives=ProblemShown, statuses=(404,))
async def read_problem(asked: Asked[Nothing]) -> Answer:
    """What a kind of problem means.

    The `type` of a problem document is its address.
    """
    if asked.ids["slug"] not in documented():
        raise Unknown
    return json_answer(_shown(asked.ids["slug"]))


def _shown(slug: str) -> ProblemShown:
    kind = documented()[slug]
    return ProblemShown(type=f"/problems/{slug}", title=kind.title, status=kind.status)


OPERATIONS = (read_liveness, read_readiness, read_metrics, list_problems, read_problem)
