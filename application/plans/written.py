"""Routing as a document that can be applied again and then changes nothing: YAML for people, JSON for programs."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
import yaml
from typing_extensions import override

from application.plans.plan import sent_on_to, told
from application.plans.tree import plain
from domain.policy import RoutingPolicy
from domain.queue import Queue, QueueDefinition

COMPANY = {"service_level_seconds": ("service_level_target", "next_reply_seconds")}
"""Said even at its default where one of these is, which a document may not say without it."""


def document_of(rules: RoutingPolicy, queues: Mapping[str, Queue]) -> dict[str, Any]:
    """`{"policy": {…}, "queues": {"Returns": {…}}}`: what is at its default is left out; queues by name where it is
    theirs alone, by id where it is not.
    """
    defined = {queue_id: one for queue_id, one in queues.items() if one.definition is not None}
    names = Counter(_name(one) for one in defined.values())
    keys = {queue_id: _name(one) if names[_name(one)] == 1 else queue_id for queue_id, one in defined.items()}
    written = {}
    for queue_id in sorted(defined, key=lambda one: (defined[one].is_retired, keys[one])):
        written[keys[queue_id]] = _queue(defined[queue_id], keys[queue_id], keys)
    return {"policy": told(rules), **({"queues": written} if written else {})}


_STRANGE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""JSON takes them as they are, YAML does not or takes them for line ends."""


class _Dumper(yaml.SafeDumper):
    """Writes what `tree.read_tree` reads."""

    @override
    def ignore_aliases(self, data: object) -> bool:
        return True

    def text(self, text: str) -> yaml.Node:
        """In quotes where it would be read as something else."""
        style = None if isinstance(plain(text), str) else "'"
        return self.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _Dumper.text)


def as_yaml(document: Mapping[str, Any]) -> str:
    """The document with its sections and fields in their order."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True, width=110)


def as_json(document: Mapping[str, Any]) -> str:
    """The document, indented."""
    text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
    return _STRANGE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _name(one: Queue) -> str:
    assert one.definition is not None  # the caller has left out the others
    return one.definition.name


def _queue(one: Queue, key: str, keys: Mapping[str, str]) -> dict[str, Any]:
    if one.is_retired:
        to_queue_id = sent_on_to(one)
        return {"retired": True, **({"to_queue": keys.get(to_queue_id, to_queue_id)} if to_queue_id else {})}
    assert one.definition is not None  # as above
    definition: QueueDefinition = one.definition
    fields = told(definition)
    for field, companions in COMPANY.items():
        if field not in fields and any(companion in fields for companion in companions):
            fields[field] = getattr(definition, field)
    if fields["name"] == key:
        del fields["name"]
    for rule in fields.get("overflow", ()):
        to_queue_id = rule.pop("to_queue_id")
        rule["to_queue"] = keys.get(to_queue_id, to_queue_id)
    return fields
