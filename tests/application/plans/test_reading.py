"""Reading a routing document: names become ids, and every mistake is told with its place, not only the first."""

import json
from itertools import pairwise

import pytest

from application.plans.document import read_document, read_plan
from application.plans.plan import Plan, digest
from application.plans.problems import PROBLEMS_MAX, PlanUnreadable
from application.plans.tree import BYTES_MAX, plain
from domain.hours import OpeningHours
from domain.policy import ChoiceRule, RoutingPolicy, Weights
from domain.queue import Limit, OverflowRule, Promise, QueueDefinition, Relaxation
from tests.application.plans.situations import GONE, QUEUES, RETURNS, SALES

WHOLE = """\
policy:
  units: {phone: 6, webchat: 2}
  blocks: {call: [chat]}
  choice: weighted
  weights: {skill: 2, load: 0.5}
queues:
  Returns:
    required_skills: {returns: 3, "lang:zh": 5}
    groups: [day]
    priority: 2
    opening_hours:
      time_zone: Europe/Berlin
      weekly: {mon: [[09:00, 12:30], ["13:00", "24:00"]]}
      holidays: [2026-12-25]
    relaxation:
      - after_seconds: 60
        lower: {returns: 1}
        widen: ["*"]
    overflow:
      - {when: waited, limit: 300, to_queue: New, promise: callback, within_seconds: 3600, words: {otherwise: Soon}}
  New: {}
  Sales: {retired: true, to_queue: Returns}
"""
WORDS = {"otherwise": "Soon"}
WHEN = "one of waited, length, closed is wanted here"


def mistakes(text: str | bytes) -> list[str]:
    """All that is told of a document that cannot be read."""
    with pytest.raises(PlanUnreadable) as caught:
        read_plan(text, "r.yaml", QUEUES)
    return str(caught.value).splitlines()


def test_a_document_is_read_as_a_plan() -> None:
    plan = read_plan(WHOLE, "r.yaml", QUEUES)

    (new,) = plan.queues.keys() - QUEUES.keys()
    assert plan.rules == RoutingPolicy(
        units={"phone": 6, "webchat": 2},
        blocks={"call": ("chat",)},
        choice=ChoiceRule.WEIGHTED,
        weights=Weights(skill=2.0, load=0.5),
    )
    assert plan.queues[RETURNS] == QueueDefinition(
        name="Returns",
        required_skills={"returns": 3, "lang:zh": 5},
        groups=("day",),
        priority=2,
        opening_hours=OpeningHours(
            time_zone="Europe/Berlin",
            weekly={"mon": (("09:00", "12:30"), ("13:00", "24:00"))},
            holidays=("2026-12-25",),
        ),
        relaxation=(Relaxation(after_seconds=60, lower={"returns": 1}, widen=("*",)),),
        overflow=(OverflowRule(when=Limit.WAITED, limit=300, to_queue_id=new, promise=Promise.CALLBACK, words=WORDS),),
    )
    assert plan.queues[new] == QueueDefinition(name="New")
    assert plan.retires == {SALES}
    assert plan.queues[SALES].overflow == (OverflowRule(when=Limit.WAITED, limit=1, to_queue_id=RETURNS),)


def test_json_is_read_as_the_same_plan() -> None:
    document = {"policy": {"units_otherwise": 3}, "queues": {"Returns": {"required_skills": {"returns": 3}}}}
    yaml = "policy: {units_otherwise: 3}\nqueues:\n  Returns:\n    required_skills:\n      returns: 3\n"

    plans = [read_plan(text, "r", QUEUES) for text in (json.dumps(document), json.dumps(document, indent="\t"), yaml)]

    assert plans[0] == plans[1] == plans[2]
    assert len({digest(plan) for plan in plans}) == 1


def test_what_json_escapes_is_read_as_it_was_meant() -> None:
    name = "Größe 😀 \\ud83d \t"

    plan = read_plan(json.dumps({"queues": {"Sales": {"name": name}}}), "r", QUEUES)

    assert plan.queues[SALES].name == name


def test_what_is_not_named_is_left_alone() -> None:
    assert read_plan("queues: {}", "r", QUEUES) == Plan()
    assert read_plan("policy: {}", "r", QUEUES) == Plan(rules=RoutingPolicy())


def test_a_queue_is_named_by_its_id_too_and_keeps_its_name() -> None:
    plan = read_plan(f"queues: {{{SALES}: {{priority: 3}}}}", "r", QUEUES)

    assert plan.queues == {SALES: QueueDefinition(name="Sales", priority=3)}


def test_a_queue_is_renamed_by_its_field_of_the_name() -> None:
    plan = read_plan("queues: {Sales: {name: Shop}}", "r", QUEUES)

    assert plan.queues == {SALES: QueueDefinition(name="Shop")}


def test_a_retired_queue_comes_back_by_its_name() -> None:
    assert read_plan("queues: {Gone: {}}", "r", QUEUES).queues == {GONE: QueueDefinition(name="Gone")}


def test_the_same_new_name_is_the_same_new_queue() -> None:
    first, second = (read_plan("queues: {New: {}}", "r", QUEUES) for _ in range(2))

    assert first == second
    assert read_plan("queues: {Newer: {}}", "r", QUEUES) != first


MISTAKEN = """\
policy:
  units: {phone: 0, x: 5, y: 2000}
  choise: longest_idle
  choice: best
  blocks: {call: [chat, foo], bar: [chat]}
  at_most: {phone: yes}
queues:
  Returns:
    required_skills: {"lang:zh": 11, returns: 3, x: "5"}
    relaxation:
      - {after_seconds: 60, lower: {returns: 5, foo: 1}}
      - {after_seconds: 30}
      - {drop: [returns]}
    opening_hours: {time_zone: Mars, weekly: {mon: [[09:00, 25:00]], dim: []}, holidays: [2026-13-01, 2026-W48-1]}
    overflow:
      - {when: waited, limit: 300, to_queue: Sale}
      - {when: wait, to_queue: Sales}
      - {when: length, to_queue: Sales}
      - {when: closed, to_queue: Sales, promise: email, words: {chinese: 回电, no: " ", otherwise: Soon}}
      - {when: closed, to_queue: Sales, words: {otherwise: Soon}}
    priority: 99
  Sales:
    name: " "
  Old: {retired: true}
  Returns: {}
colours: 1
"""
TOLD = [
    "r.yaml:2:11: policy.units.phone: 0 is not within 1 to 1000",
    "r.yaml:2:27: policy.units.y: 2000 is not within 1 to 1000",
    "r.yaml:3:3: policy.choise: there is no such field; did you mean 'choice'?",
    f"r.yaml:4:3: policy.choice: one of {', '.join(ChoiceRule)} is wanted here, not the text 'best'",
    "r.yaml:5:25: policy.blocks.call[1]: no channel is of kind 'foo'; kinds are ['call', 'chat', 'mail']",
    "r.yaml:5:31: policy.blocks.bar: no channel is of kind 'bar'; kinds are ['call', 'chat', 'mail']",
    "r.yaml:6:13: policy.at_most.phone: a whole number is wanted here, not the text 'yes'",
    "r.yaml:9:23: queues.Returns.required_skills.lang:zh: 'lang:zh' at level 11; levels go from 1 to 10",
    "r.yaml:9:50: queues.Returns.required_skills.x: a whole number is wanted here, not the text '5'",
    "r.yaml:11:37: queues.Returns.relaxation[0].lower.returns: 'returns' at 5 is more than 3",
    "r.yaml:11:49: queues.Returns.relaxation[0].lower.foo: 'foo' is not asked for by then",
    "r.yaml:12:10: queues.Returns.relaxation[1].after_seconds: 30 is not within 60 to 2592000",
    "r.yaml:13:9: queues.Returns.relaxation[2]: after_seconds is missing",
    "r.yaml:14:21: queues.Returns.opening_hours.time_zone: 'Mars' is not an IANA time zone",
    "r.yaml:14:53: queues.Returns.opening_hours.weekly.mon[0]: '25:00' is past 24:00",
    "r.yaml:14:70: queues.Returns.opening_hours.weekly.dim: a weekday is one of mon, tue, wed, thu, fri, sat, sun",
    "r.yaml:14:91: queues.Returns.opening_hours.holidays[0]: '2026-13-01' is not a day like 2026-12-25",
    "r.yaml:14:103: queues.Returns.opening_hours.holidays[1]: '2026-W48-1' is not a day like 2026-12-25",
    "r.yaml:16:36: queues.Returns.overflow[0].to_queue: there is no queue 'Sale'; did you mean 'Sales'?",
    f"r.yaml:17:10: queues.Returns.overflow[1].when: {WHEN}, not the text 'wait'; did you mean 'waited'?",
    "r.yaml:18:9: queues.Returns.overflow[2]: limit: 0 is not within 1 to 2592000",
    "r.yaml:19:65: queues.Returns.overflow[3].words.chinese: this is no language tag like en or zh-Hant",
    "r.yaml:19:78: queues.Returns.overflow[3].words.no: there is nothing said",
    "r.yaml:20:9: queues.Returns.overflow[4]: its words tell of a promise, and there is none",
    "r.yaml:21:5: queues.Returns.priority: 99 is not within 0 to 10",
    "r.yaml:23:5: queues.Sales.name: a queue needs a name",
    "r.yaml:24:3: queues.Old: there is no such queue",
    "r.yaml:25:3: queues.Returns: this is given twice; first in line 8",
    "r.yaml:26:1: colours: there is no such section",
]


def test_every_mistake_is_told_with_its_place() -> None:
    assert mistakes(MISTAKEN) == TOLD


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "r.yaml:1:1: the document is empty; it has `policy:`, `queues:` or both"),
        ("# nothing\n", "r.yaml:1:1: the document is empty; it has `policy:`, `queues:` or both"),
        ("[1]", "r.yaml:1:1: a document has `policy:`, `queues:` or both"),
        ("policy: {}\n---\nqueues: {}", "r.yaml:2:1: a second document begins here; a file has one"),
        ("policy:\n  units: {phone: 6", "r.yaml:3:1: while parsing a flow mapping did not find expected ',' or '}'"),
        (
            "policy:\n\tunits: {}",
            "r.yaml:2:1: while scanning for the next token found character",
        ),
        ("queues: {? [a] : b}", "r.yaml:1:12: a name is a text, not a list or a mapping"),
        ("queues:\n  A: \x07", "r.yaml:2:6: the character U+0007 is not allowed"),
        (b"queues:\n  A: \xff", "r.yaml:2:6: this is not UTF-8"),
        ("queues: &a {}\npolicy: *a", "r.yaml:2:1: policy: aliases are not taken; write it out"),
        ("queues: {A: {name: !!python/name:os.system x}}", "r.yaml:1:14: queues.A.name: tags are not taken"),
        ('queues: {A: {name: "\\0"}}', "r.yaml:1:14: queues.A.name: NUL and lone surrogates are not allowed in texts"),
        ("queues: [A]", "r.yaml:1:1: queues: queues by their names are wanted here"),
        ("queues: {A: [1]}", "r.yaml:1:10: queues.A: the fields of a queue are wanted here"),
        ("policy:", "r.yaml:1:1: policy: fields are wanted here, not nothing"),
        ('queues: {" ": {}}', "r.yaml:1:10: queues. : a queue needs a name"),
        (
            "queues: {A: {name: 5}}",
            "r.yaml:1:14: queues.A.name: a text is wanted here, not 5; put it",
        ),
        ("queues: {A: {retired: false}}", "r.yaml:1:14: queues.A.retired: `to_queue` goes with `retired: true`"),
        (
            "queues: {Sales: {retired: true, priority: 1}}",
            "r.yaml:1:33: queues.Sales.priority: a queue that",
        ),
        (
            f"queues: {{Sales: {{}}, {SALES}: {{}}}}",
            f"r.yaml:1:21: queues.{SALES}: this is the queue that",
        ),
        (f"queues: {{queue-{9:032x}: {{}}}}", f"r.yaml:1:10: queues.queue-{9:032x}: there is no such queue; a"),
        ("queues: {A: {overflow: [{when: closed}]}}", "r.yaml:1:25: queues.A.overflow[0]: to_queue_id is missing"),
        (
            "queues: {A: {overflow: [{when: closed, to_queue: 5}]}}",
            "r.yaml:1:40: queues.A.overflow[0].to_queue: there",
        ),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text: str | bytes, told: str) -> None:
    assert mistakes(text)[0].startswith(told)


def test_a_name_that_several_queues_have_is_asked_about() -> None:
    queues = {**QUEUES, f"queue-{8:032x}": QUEUES[SALES]}

    document = read_document("queues: {Sales: {}, A: {overflow: [{when: closed, to_queue: Sales}]}}", queues)

    ids = f"{SALES}, queue-{8:032x}"
    assert [problem.reason for problem in document.problems] == [
        f"2 queues have this name; say which by its id: {ids}",
        f"several queues are called 'Sales'; say which by its id: {ids}",
    ]


def test_a_small_file_cannot_become_a_large_document() -> None:
    names = "abcdefghijklmnop"
    lines = [f"{one}: &{one} [*{before}, *{before}]\n" for before, one in pairwise(names)]
    bomb = "".join(["a: &a [x, x]\n", *lines])

    assert any("aliases are not taken" in line for line in mistakes(bomb))
    assert mistakes("[" * 5_000)[0].endswith("this is nested more than 20 deep")
    assert "bytes are too many" in mistakes(" " * (BYTES_MAX + 1))[0]


def test_so_many_mistakes_are_told_and_no_more() -> None:
    skills = ", ".join(f"s{number}: 11" for number in range(5_000))

    assert len(mistakes(f"queues: {{A: {{required_skills: {{{skills}}}}}}}")) == PROBLEMS_MAX


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("no", "no"),
        ("on", "on"),
        ("9:30", "9:30"),
        ("2026-12-25", "2026-12-25"),
        ("0x1f", "0x1f"),
        ("1_000", "1_000"),
        ("", None),
        ("~", None),
        ("true", True),
        ("False", False),
        ("-7", -7),
        ("08", 8),
        ("1e3", 1000.0),
        (".5", 0.5),
        (".inf", ".inf"),
        ("9" * 5_000, "9" * 5_000),
    ],
)
def test_plain_words_mean_what_the_newer_yaml_says(word: str, meaning: object) -> None:
    assert plain(word) == meaning
    assert type(plain(word)) is type(meaning)
