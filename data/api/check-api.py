#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the API descriptions against themselves.

Every reference resolves, every example is what its schema says, and an example that is broken in
any one place (a member missing, one too many, of another type) is refused: a schema that accepts
anything would prove nothing.
"""

import copy
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests" / "support"))

try:
    import yaml

    import desk_schema
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

# The closed list of the protocol; the schemas must neither add to it nor forget one.
CODES = """BAD_REQUEST UNAUTHORIZED FORBIDDEN NOT_FOUND METHOD_NOT_ALLOWED CONFLICT STALE_REPLY
IN_FLIGHT WINDOW_CLOSED NOT_SUPPORTED CURSOR_EXPIRED TOO_LARGE UNSUPPORTED_MEDIA_TYPE INVALID
TEXT_TOO_LONG IDEMPOTENCY_MISMATCH RATE_LIMITED INTERNAL UNAVAILABLE STORAGE_FULL
CHANNEL_DOWN""".split()
SKIPPED_ANSWERS = ("101", "426")
faults = []


def fault(place, text):
    faults.append("%s: %s" % (place, text))


def walk(node, place=""):
    """Every mapping below node, with its place."""
    if isinstance(node, dict):
        yield node, place
        for key, value in node.items():
            yield from walk(value, "%s/%s" % (place, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from walk(value, "%s/%d" % (place, index))


def resolve(document, reference):
    name, _, pointer = reference.partition("#")
    node = document if not name else desk_schema.document()
    if name not in ("", "schemas.json"):
        raise KeyError(name)
    for step in pointer.strip("/").split("/"):
        node = node[step]
    return node


def localize(schema):
    """A schema of a YAML file, with its references as desk_schema resolves them."""
    if isinstance(schema, dict):
        return {key: (value.replace("schemas.json#", "#") if key == "$ref" else localize(value))
                for key, value in schema.items()}
    if isinstance(schema, list):
        return [localize(item) for item in schema]
    return schema


def closed(schema):
    """The level-0 alternative of a schema takes more members by design; ours does not."""
    if "anyOf" in schema:
        return schema["anyOf"][0]
    return schema


def breakages(value, schema, place=""):
    """Broken copies of an object: without each member that is required, with one too many, and
    with each scalar turned into another type."""
    for node, inner in walk(value):
        for key in list(node):
            yield "%s/%s as a list in a list" % (inner, key), changed(value, inner, key, [[None]])
        yield inner + " with a stranger", changed(value, inner, "stranger", 1)


def changed(value, place, key, content):
    value = copy.deepcopy(value)
    node = value
    for step in place.split("/")[1:]:
        node = node[int(step) if isinstance(node, list) else step]
    node[key] = content
    return value


def free_form(inner):
    """Places where any member may stand: what partners and platforms add."""
    steps = inner.split(" ")[0].split("/")
    return any(step in ("metadata", "attributes", "checks", "products", "head") for step in steps)


def check_example(place, schema, value):
    whole = desk_schema.validator_of(desk_schema.translate(localize(schema)))
    for error in whole.iter_errors(value):
        fault(place, desk_schema.explain(error))
    strict = desk_schema.validator_of(desk_schema.translate(localize(closed(schema))))
    if not strict.is_valid(value):
        fault(place, "is not what level 2 answers")
    for text, broken in breakages(value, schema):
        plain_details = isinstance(value, dict) and "/details" in text.split(" ")[0] and (
            value.get("error", {}).get("code") not in (
                "INVALID", "TEXT_TOO_LONG", "STALE_REPLY", "WINDOW_CLOSED", "CONFLICT"))
        if "level0" in place.lower() or place == "frame head" or free_form(text) or plain_details:
            continue
        if strict.is_valid(broken):
            fault(place, "stays valid when broken: " + text)
    missing_members(place, strict, value)


def missing_members(place, strict, value):
    """At least the top level and data of each answer must have all of its members."""
    for key in (value if isinstance(value, dict) else ()):
        if key in ("next", "client_message_id", "seen_seq", "state", "add_labels", "note", "base_rev"):
            continue
        broken = {name: member for name, member in value.items() if name != key}
        if strict.is_valid(broken):
            fault(place, "stays valid without " + key)
    data = value.get("data") if isinstance(value, dict) else None
    if isinstance(data, list) and data:
        data = data[0]
    if "level0" in place.lower() or not isinstance(data, dict):
        return
    for key in data:
        if key in ("user_name", "messenger_name", "template", "change") and "chat_seq" in data:
            continue
        if key == "checks" or place.endswith("head"):
            continue
        broken = copy.deepcopy(value)
        inner = broken["data"][0] if isinstance(broken["data"], list) else broken["data"]
        del inner[key]
        if strict.is_valid(broken):
            fault(place, "stays valid without data/" + key)


def check_references(name, document):
    for node, place in walk(document):
        if isinstance(node.get("$ref"), str):
            try:
                resolve(document, node["$ref"])
            except (KeyError, TypeError):
                fault(name + place, "dangling reference " + node["$ref"])


def check_openapi(document):
    seen = 0
    operations = set()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            place = "%s %s" % (method.upper(), path)
            if operation["operationId"] in operations:
                fault(place, "operationId is used twice")
            operations.add(operation["operationId"])
            names = {resolve(document, entry["$ref"])["name"] for entry in
                     item.get("parameters", []) + operation.get("parameters", [])}
            for step in path.split("/"):
                if step.startswith("{") and step[1:-1] not in names:
                    fault(place, "does not declare " + step)
            bodies = [("body", operation.get("requestBody", {}))] + [
                (status, answer) for status, answer in operation["responses"].items()
                if "$ref" not in answer and status not in SKIPPED_ANSWERS]
            for what, body in bodies:
                seen += check_content("%s %s" % (place, what), body)
    for name, answer in document["components"]["responses"].items():
        seen += check_content("answer " + name, answer)
    return seen


def check_content(place, body):
    content = body.get("content", {}).get("application/json")
    if content is None or "platform's own" in str(content):
        return 0
    examples = [entry["value"] for entry in content.get("examples", {}).values()]
    if "example" in content:
        examples.append(content["example"])
    if not examples:
        fault(place, "has no example")
    for example in examples:
        check_example(place, content["schema"], example)
    return len(examples)


def check_asyncapi(document):
    seen = 0
    channel = document["channels"]["/api/v1/crm/ws"]
    used = {entry["$ref"].rsplit("/", 1)[1] for side in ("subscribe", "publish")
            for entry in channel[side]["message"]["oneOf"]}
    for name, message in document["components"]["messages"].items():
        if name not in used:
            fault(name, "stands in no channel")
        for example in message["examples"]:
            check_example("frame " + name, message["payload"], example["payload"])
            seen += 1
    frames = {name for name in desk_schema.document()["definitions"]
              if name.startswith("Frame") and "oneOf" not in desk_schema.document()["definitions"][name]}
    described = {message["payload"]["$ref"].rsplit("/", 1)[1]
                 for message in document["components"]["messages"].values()}
    for name in sorted(frames - described):
        fault(name, "is not in asyncapi.yaml")
    return seen


def main():
    documents = {}
    for name in ("openapi.yaml", "asyncapi.yaml"):
        with open(HERE / name, encoding="utf-8") as stream:
            documents[name] = yaml.safe_load(stream)
        check_references(name, documents[name])
    check_references("schemas.json", {"definitions": desk_schema.document()["definitions"]})
    definitions = desk_schema.document()["definitions"]
    if sorted(definitions["ErrorCode"]["enum"]) != sorted(CODES):
        fault("ErrorCode", "is not the closed list")
    told = [code for branch in definitions["Error"]["oneOf"]
            for code in resolve({"definitions": definitions}, branch["$ref"])
            ["properties"]["code"]["enum"]]
    if sorted(told) != sorted(CODES):
        fault("Error", "its branches are not exactly the closed list")
    if not faults:
        seen = check_openapi(documents["openapi.yaml"]) + check_asyncapi(documents["asyncapi.yaml"])
        print("%d examples" % seen)
        if seen < 80:
            fault("examples", "only %d were found" % seen)
    for text in faults:
        print(text, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
