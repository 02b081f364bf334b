"""Problems (RFC 9457): the one table from what went wrong to status, problem type and title."""

import logging
import re
import traceback
from collections.abc import Iterable, Iterator, Mapping

import msgspec
from litestar import Request
from litestar.exceptions import HTTPException

from api.http.answer import Answer
from api.http.refusals import (
    BodyTooLarge,
    BodyTooSlow,
    HeadTooLarge,
    Invalid,
    KeyMissing,
    MediaTypeUnsupported,
    NoRoom,
    NotAllowed,
    SignInNeeded,
    TooManyAttempts,
    Unknown,
    ViewBehind,
)
from application.commands import ClaimTaken, Contended, KeyReused, RevisionStale
from application.exchange.media import MediaNotStored
from application.exchange.templates import TemplatesNotTold
from application.log import LogBusy, LogUnreachable
from application.plans.problems import DefinitionRefused, PlanRefused
from application.plans.problems import Problem as Mistake
from application.views import CursorInvalid, ViewNotBuilt, ViewsUnreachable
from channels.edge.payload import SignatureWrong, UnreadablePayload
from domain.account import AccountUnknown
from domain.agent import AgentUnknown
from domain.conversation import ConversationUnknown
from domain.event import RuleBroken
from domain.person import PersonUnknown
from domain.queue import QueueUnknown

MEDIA_TYPE = "application/problem+json"
logger = logging.getLogger(__name__)


class Problem(msgspec.Struct, omit_defaults=True):
    """A problem as the caller reads it.

    Example: `{"type": "/problems/invalid", "title": "The request cannot be read.", "status": 400,
    "instance": "/v1/queues", "errors": [{"field": "$.priority", "detail": "Expected `int` <= 10", "limit": 10}]}`
    """

    type: str
    """A URI reference under which this service explains the kind of problem."""
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    """The path that was asked for."""
    errors: list[dict[str, str | int]] = []
    """Where the request is wrong: JSON path, query parameter or header; and the limit, where one was passed. Of a
    document also line and column."""


class Kind(msgspec.Struct, frozen=True):
    """One kind of problem."""

    slug: str
    status: int
    title: str
    headers: tuple[tuple[str, str], ...] = ()


AGAIN_AT_ONCE = (("retry-after", "1"),)
AGAIN_SOON = (("retry-after", "2"),)
BEARER = (("www-authenticate", 'Bearer realm="onethread"'),)
SIGNATURE = (("www-authenticate", 'Signature realm="onethread"'),)

BUSY = Kind("busy", 503, "Too much is under way at this moment. Nothing was stored; try again.", AGAIN_AT_ONCE)

TABLE: dict[type[Exception], Kind] = {
    Invalid: Kind("invalid", 400, "The request cannot be read."),
    CursorInvalid: Kind("invalid", 400, "The request cannot be read."),
    UnreadablePayload: Kind("invalid", 400, "The request cannot be read."),
    KeyMissing: Kind("key-missing", 400, "The Idempotency-Key header is missing."),
    SignInNeeded: Kind("sign-in-needed", 401, "Sign in first, or use a key.", BEARER),
    SignatureWrong: Kind("signature-wrong", 401, "The signature does not fit.", SIGNATURE),
    NotAllowed: Kind("not-allowed", 403, "Your role does not allow this."),
    Unknown: Kind("unknown", 404, "There is no such thing, or it is not yours to see."),
    AccountUnknown: Kind("unknown", 404, "There is no such thing, or it is not yours to see."),
    AgentUnknown: Kind("unknown", 404, "There is no such thing, or it is not yours to see."),
    ConversationUnknown: Kind("unknown", 404, "There is no such thing, or it is not yours to see."),
    PersonUnknown: Kind("unknown", 404, "There is no such thing, or it is not yours to see."),
    QueueUnknown: Kind("unknown", 404, "There is no such thing, or it is not yours to see."),
    BodyTooSlow: Kind("body-too-slow", 408, "The body did not arrive in time."),
    ClaimTaken: Kind("taken", 409, "Somebody else took it first."),
    RevisionStale: Kind("revision-stale", 412, "It has changed since you read it."),
    BodyTooLarge: Kind("body-too-large", 413, "The body is over the limit."),
    MediaTypeUnsupported: Kind("media-type-unsupported", 415, "The body is of another media type than this takes."),
    KeyReused: Kind("key-reused", 422, "This Idempotency-Key was used before for another command."),
    TooManyAttempts: Kind("too-many-attempts", 429, "Too many attempts."),
    HeadTooLarge: Kind("head-too-large", 431, "The head of the request is over the limit."),
    LogBusy: BUSY,
    NoRoom: BUSY,
    LogUnreachable: Kind(
        "log-unreachable", 503, "The log cannot be reached. Repeat the request with the same key.", AGAIN_SOON
    ),
    MediaNotStored: Kind("media-not-stored", 503, "The media store cannot be used at the moment.", AGAIN_SOON),
    TemplatesNotTold: Kind("templates-not-told", 503, "The provider does not tell its templates now.", AGAIN_SOON),
    Contended: Kind("contended", 503, "Too many change the same thing. Nothing was stored; try again.", AGAIN_AT_ONCE),
    ViewsUnreachable: Kind("views-unreachable", 503, "The views cannot be read at the moment.", AGAIN_SOON),
    ViewNotBuilt: Kind("views-unreachable", 503, "The views cannot be read at the moment.", AGAIN_SOON),
    ViewBehind: Kind("view-behind", 503, "The view has not reached this position yet.", AGAIN_AT_ONCE),
}
UNEXPECTED = Kind("unexpected", 500, "Something went wrong here. It has been logged.")
OF_STATUS = {
    400: Kind("invalid", 400, "The request cannot be read."),
    404: Kind("no-route", 404, "There is nothing at this path."),
    405: Kind("method-not-allowed", 405, "This path does not take this method."),
}
"""What the framework itself refuses."""
FIELD_FIRST = re.compile(r"([a-z_]+(?:[.\[][^:\s]*)?): ")
"""Refusals of definitions begin with the field: `priority: 11 is not within 0 to 10`."""


def kind_of(error: BaseException) -> Kind:
    """The entry of the error's own class, or of the nearest one it inherits from."""
    for one in type(error).__mro__:
        if (found := TABLE.get(one)) is not None:
            return found
    if isinstance(error, RuleBroken):
        return _of_rule(type(error))
    if isinstance(error, HTTPException):
        return OF_STATUS.get(error.status_code, UNEXPECTED)
    return UNEXPECTED


def _of_rule(rule: type[RuleBroken]) -> Kind:
    """A broken rule needs no entry: `AtCapacity` is `/problems/at-capacity` and its docstring the title."""
    slug = re.sub(r"(?<!^)(?=[A-Z])", "-", rule.__name__).lower()
    return Kind(slug, 409, (rule.__doc__ or "").strip().partition("\n")[0])


def problem_of(error: BaseException, instance: str) -> tuple[Problem, Kind]:
    """The problem document of whatever was raised."""
    kind = kind_of(error)
    sentence = (type(error).__doc__ or "").strip()
    detail = (str(error) or sentence) if kind is not UNEXPECTED and not isinstance(error, HTTPException) else ""
    if detail == kind.title:
        detail = ""
    problem = Problem(f"/problems/{kind.slug}", kind.title, kind.status, detail, instance, list(_errors(error)))
    return problem, kind


def _errors(error: BaseException) -> Iterator[dict[str, str | int]]:
    if isinstance(error, Invalid):
        yield error.as_dict()
    elif isinstance(error, CursorInvalid):
        yield {"field": "query.cursor", "detail": str(error) or (CursorInvalid.__doc__ or "")}
    elif isinstance(error, BodyTooLarge):
        yield {"field": "$", "detail": str(error), "limit": error.bytes_max}
    elif isinstance(error, UnreadablePayload):
        yield {"field": f"$.{error.field}" if error.field else "$", "detail": error.reason}
    elif isinstance(error, PlanRefused):
        yield from map(_of_document, error.problems)
    elif isinstance(error, DefinitionRefused):
        yield from map(_of_field, error.problems)
    elif isinstance(error, RuleBroken) and (named := FIELD_FIRST.match(str(error))):
        yield {"field": f"$.{named[1]}", "detail": str(error)[named.end() :]}


def _of_document(problem: Mistake) -> dict[str, str | int]:
    """`{"field": "$.queues.Returns.groups[0]", "detail": "nobody is in …", "line": 8, "column": 14}`."""
    return {**_of_field(problem), "line": problem.line, "column": problem.column}


def _of_field(problem: Mistake) -> dict[str, str | int]:
    """The same without a place in a file, of what was said in JSON."""
    field = f"$.{problem.path}" if problem.path else "$"
    return {
        "field": field,
        "detail": problem.reason,
        **({"severity": "warning"} if problem.is_warning else {}),
    }


def answer_problem(error: Exception, instance: str) -> Answer:
    """The answer to a request that went wrong; what nobody anticipated is logged."""
    problem, kind = problem_of(error, instance)
    if kind is UNEXPECTED:
        logger.error("unexpected %s at %s", type(error).__name__, " < ".join(_places(error)))
    return Answer(kind.status, msgspec.json.encode(problem), tuple(_headers(error, kind)), MEDIA_TYPE, kind.slug)


def _headers(error: BaseException, kind: Kind) -> Iterator[tuple[str, str]]:
    yield from kind.headers
    if isinstance(error, TooManyAttempts):
        yield "retry-after", str(error.wait_seconds)
    if isinstance(error, HTTPException) and error.headers:
        yield from ((name.lower(), value) for name, value in error.headers.items())


def _places(error: BaseException) -> list[str]:
    """Where it was raised, innermost first. No message and no values: they may hold what a customer wrote."""
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames)]
    return places + [place for one in _causes(error) for place in [f"from {type(one).__name__}", *_places(one)]]


def _causes(error: BaseException) -> Iterable[BaseException]:
    return [one for one in (error.__cause__,) if one is not None]


def problem_response(request: Request[object, object, object], error: Exception) -> Answer:  # type: ignore[type-var]
    """For what the framework refuses before an operation is reached."""
    return answer_problem(error, request.url.path)


def documented() -> Mapping[str, Kind]:
    """Every kind by its slug, for `/problems/…`."""
    kinds = [*TABLE.values(), *OF_STATUS.values(), UNEXPECTED, *map(_of_rule, _rules(RuleBroken))]
    return {kind.slug: kind for kind in sorted(kinds, key=lambda kind: kind.slug)}


def _rules(rule: type[RuleBroken]) -> Iterator[type[RuleBroken]]:
    for one in rule.__subclasses__():
        if one not in TABLE:
            yield one
        yield from _rules(one)
