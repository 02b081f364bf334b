"""The gates that every medium passes: only its provider gets in, and each of its troubles is what it is."""

from collections import Counter
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from application.exchange.sending import Rejected, Unknown
from channels.edge.payload import Posted, SignatureWrong
from channels.table import CHANNELS, Webhook
from tests.channels.every_medium import deliveries
from tests.channels.every_medium.accounts import ACCOUNTS, SECRETS
from tests.channels.every_medium.refusals import CASES, EXPECTED, attempt, class_of

Tell = Callable[[str], None]
HOOKED: dict[str, Webhook] = {name: one.webhook for name, one in CHANNELS.items() if one.webhook is not None}


def is_believed(channel: str, delivery: Posted, **settings: str) -> bool:
    account = ACCOUNTS[channel]
    try:
        HOOKED[channel].verify(replace(account, settings=account.settings | settings), delivery)
    except SignatureWrong:
        return False
    return True


def test_every_medium_with_a_webhook_believes_its_published_sample(tell: Tell) -> None:
    believed = [channel for channel in HOOKED if is_believed(channel, deliveries.SAMPLES[channel])]

    tell(f"published samples: {len(believed)} of {len(HOOKED)} media")
    assert believed == list(HOOKED)


def test_one_flipped_byte_is_refused_by_every_medium(tell: Tell) -> None:
    refused = [one for one in HOOKED if not is_believed(one, deliveries.with_one_byte_flipped(one))]

    tell(f"one flipped byte refused: {len(refused)} of {len(HOOKED)} media")
    assert refused == list(HOOKED)


def test_a_missing_proof_is_refused_by_every_medium(tell: Tell) -> None:
    refused = [one for one in HOOKED if not is_believed(one, deliveries.without_proof(one))]

    tell(f"missing header refused: {len(refused)} of {len(HOOKED)} media")
    assert refused == list(HOOKED)


def test_a_wrong_secret_is_refused_by_every_medium(tell: Tell) -> None:
    wrong = "whsec_b3RoZXIgc2VjcmV0IGhlcmU="
    refused = [one for one in HOOKED if not is_believed(one, deliveries.SAMPLES[one], **{SECRETS[one]: wrong})]

    tell(f"wrong secret refused: {len(refused)} of {len(HOOKED)} media")
    assert refused == list(HOOKED)


def test_json_that_was_read_and_written_again_is_refused_by_every_medium_that_signs_it(tell: Tell) -> None:
    signing = deliveries.SIGNED_JSON
    again = {one: replace(sign(deliveries.JSON_AS_SENT), raw=deliveries.WRITTEN_AGAIN) for one, sign in signing.items()}

    refused = [channel for channel, delivery in again.items() if not is_believed(channel, delivery)]

    tell(f"re-serialised JSON refused: {len(refused)} of {len(signing)} media that sign JSON")
    assert refused == list(signing)


def test_emoji_and_chinese_are_believed_by_every_medium(tell: Tell) -> None:
    believed = [channel for channel in HOOKED if is_believed(channel, deliveries.WITH_WORDS[channel])]

    tell(f"emoji and Chinese believed: {len(believed)} of {len(HOOKED)} media")
    assert believed == list(HOOKED)


@pytest.fixture(scope="module")
def right() -> Counter[str]:
    return Counter()


@pytest.mark.parametrize(("channel", "trouble"), CASES)
def test_every_trouble_of_a_provider_is_of_its_class(channel: str, trouble: str, right: Counter[str]) -> None:
    outcome = attempt(channel, trouble)

    expected = class_of(channel, trouble)
    if expected is None:
        assert isinstance(outcome, Unknown), outcome
    else:
        assert isinstance(outcome, Rejected), outcome
        assert outcome.refusal is expected
    right[trouble] += 1


def test_no_trouble_was_left_out(right: Counter[str], tell: Tell) -> None:
    sending = {channel for channel, one in CHANNELS.items() if one.send is not None}
    asked = Counter(trouble for _, trouble in CASES)

    tell("troubles told apart: " + ", ".join(f"{one} {right[one]} of {asked[one]}" for one in EXPECTED))
    assert {channel for channel, _ in CASES} == sending
    assert all(asked[trouble] == len(sending) for trouble in EXPECTED if trouble != "window closed")
    assert asked["window closed"] == 6
