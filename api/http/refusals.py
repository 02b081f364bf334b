"""What a request may do wrong before a command is decided. A docstring is the sentence the caller reads."""


class Refusal(Exception):
    """A request that is refused at the edge."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or (type(self).__doc__ or "").strip())


class Invalid(Refusal):
    """A part of the request cannot be read; `field` says which: `$.text`, `query.limit`, `header.If-Match`."""

    def __init__(self, field: str, detail: str, limit: int | None = None) -> None:
        super().__init__(f"{field}: {detail}")
        self.field = field
        self.reason = detail
        self.limit = limit

    def as_dict(self) -> dict[str, str | int]:
        """Example: `{"field": "$.text", "detail": "Expected `str` of length <= 10", "limit": 10}`."""
        limit: dict[str, str | int] = {} if self.limit is None else {"limit": self.limit}
        return {"field": self.field, "detail": self.reason, **limit}


class HeadTooLarge(Invalid):
    """The head of the request is over the limit."""

    def __init__(self, bytes_max: int) -> None:
        super().__init__("header", f"request line and headers may have {bytes_max} bytes", bytes_max)


class KeyMissing(Refusal):
    """Send an Idempotency-Key header: any text of at most 255 characters that you use for this command alone."""


class SignInNeeded(Refusal):
    """The Authorization header is missing, wrong or out of date."""


class NotAllowed(Refusal):
    """Your role does not allow this."""


class Unknown(Refusal):
    """There is no such thing, or it is not yours to see."""


class BodyTooLarge(Refusal):
    """The body is over the limit."""

    def __init__(self, bytes_max: int) -> None:
        super().__init__(f"the body may have {bytes_max} bytes")
        self.bytes_max = bytes_max


class BodyTooSlow(Refusal):
    """The body did not arrive in time."""


class NoRoom(Refusal):
    """Too many large bodies are under way; nothing of this one was kept."""


class MediaTypeUnsupported(Refusal):
    """The body is of another media type than this takes."""


class TooManyAttempts(Refusal):
    """Too many attempts; wait as long as the Retry-After header says."""

    def __init__(self, wait_seconds: int) -> None:
        super().__init__()
        self.wait_seconds = wait_seconds


class ViewBehind(Refusal):
    """The view has not reached the position of min_position yet."""


class ClientGone(Exception):
    """The caller hung up before the request was whole: there is nobody to answer."""
