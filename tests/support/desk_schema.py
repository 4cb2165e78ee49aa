#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validates what Frontdesk's server says against data/api/schemas.json.

    import desk_schema
    desk_schema.validate("chats_answer", answer)    # raises desk_schema.Mismatch

    python3 desk_schema.py KIND < answer.json       # 0, or 1 and the place and the reason
    python3 desk_schema.py --list                   # the kinds

A kind is the name of a definition in snake case: chat, message, chats_answer, frame_hello,
frame_event, … Unknown members are refused (that is how an undocumented field shows) unless
strict=False, which suits what a foreign server says.

The schemas are written in the subset that OpenAPI 3.0 shares with JSON Schema; `nullable` is the
one word of OpenAPI among them and is translated here.
"""

import functools
import json
import os
import pathlib
import re
import sys

import jsonschema

SCHEMAS = pathlib.Path(os.environ.get(
    "DESK_API_SCHEMAS",
    pathlib.Path(__file__).resolve().parents[2] / "data" / "api" / "schemas.json"))


class Mismatch(Exception):
    """What was said is not what the contract says; str() tells the place and the reason."""


def kind_of(definition):
    """ChatsAnswer → chats_answer"""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", definition).lower()


def translate(schema, strict=True):
    """The JSON Schema (draft 7) that an OpenAPI 3.0 schema means."""
    if isinstance(schema, list):
        return [translate(item, strict) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: translate(value, strict) for key, value in schema.items()
              if key not in ("nullable", "discriminator", "example", "x-status")}
    if not strict and result.get("additionalProperties") is False:
        del result["additionalProperties"]
    if schema.get("nullable") is True:
        result = {"anyOf": [{"type": "null"}, result]}
    return result


@functools.lru_cache(maxsize=None)
def document(strict=True):
    with open(SCHEMAS, encoding="utf-8") as stream:
        return translate(json.load(stream), strict)


@functools.lru_cache(maxsize=None)
def kinds():
    """kind → name of its definition"""
    return {kind_of(name): name for name in document()["definitions"]}


def validator_of(schema, strict=True):
    """A validator of any (translated) schema whose references point into #/definitions."""
    whole = dict(schema)
    whole["definitions"] = document(strict)["definitions"]
    jsonschema.Draft7Validator.check_schema(whole)
    return jsonschema.Draft7Validator(whole)


@functools.lru_cache(maxsize=None)
def validator(kind, strict=True):
    if kind not in kinds():
        raise KeyError("no such kind: " + kind)
    return validator_of({"allOf": [{"$ref": "#/definitions/" + kinds()[kind]}]}, strict)


def explain(error):
    """The deepest reason: of the branches of a oneOf, that which came closest."""
    branches = [child for child in error.context or []]
    if branches:
        # A branch whose `type` or `code` is another one's is not the one that was meant.
        meant = {}
        for child in branches:
            meant.setdefault(child.schema_path[0], []).append(child)

        def strangeness(group):
            other = any(child.validator == "enum" and child.absolute_path
                        and child.absolute_path[-1] in ("type", "code", "success")
                        for child in group)
            null = any(child.validator == "type" and child.validator_value == "null"
                       for child in group)
            return (other, null, len(group))

        return explain(min(meant.values(), key=strangeness)[0])
    place = "/".join(str(step) for step in error.absolute_path)
    return "%s: %s" % (place or "(top)", error.message[:500])


def reasons(kind, value, strict=True):
    return [explain(error) for error in validator(kind, strict).iter_errors(value)]


def validate(kind, value, strict=True):
    """Raises Mismatch if value (parsed JSON) is not of the kind."""
    found = reasons(kind, value, strict)
    if found:
        raise Mismatch("not a %s:\n  %s" % (kind, "\n  ".join(found)))


def refuse_duplicates(pairs):
    result = {}
    for name, value in pairs:
        if name in result:
            raise ValueError("duplicate member " + name)
        result[name] = value
    return result


def loads(text):
    """Parses JSON as validate() wants it: no duplicate members, no NaN."""
    def constant(name):
        raise ValueError("not JSON: " + name)
    return json.loads(text, object_pairs_hook=refuse_duplicates, parse_constant=constant)


def main(arguments):
    if arguments == ["--list"]:
        print("\n".join(sorted(kinds())))
        return 0
    strict = "--lenient" not in arguments
    arguments = [argument for argument in arguments if argument != "--lenient"]
    if len(arguments) != 1 or arguments[0] not in kinds():
        print("usage: desk_schema.py [--lenient] KIND < JSON, or --list", file=sys.stderr)
        return 2
    try:
        validate(arguments[0], loads(sys.stdin.buffer.read().decode("utf-8")), strict)
    except (Mismatch, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
