#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the systemd unit (with systemd-analyze) and the example configuration.

The example must be a key file as it stands, must still be one with everything uncommented, and
must then name every key that the server documents, each after a comment that explains it.
"""

import configparser
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# A key or a group; a partner has keys like path.rooms and header_env.X-Key.
COMMENTED_OUT = r"^#(?=\[|[a-z_]+(\.[A-Za-z_-]+)?=)"
META = {"platform", "base_url", "version", "account_id", "token", "app_secret", "verify_token"}
KEYS = {
    "server": {"listen", "data", "public_url"},
    "connection shop-bot": {"platform", "base_url", "token", "mode", "webhook_secret",
                            "chat_prefix"},
    "connection shop-wa": META | {"waba_id"},
    "connection shop-ig": META | {"app_id", "human_agent", "login"},
    "connection shop-fb": META | {"app_id", "human_agent"},
    "connection market": {"platform", "partner", "title", "base_url", "account_id", "token", "mode", "push",
                          "rooms", "room_pattern", "messages", "products", "first_messages", "poll_seconds",
                          "window_seconds", "text_limit", "answer", "header", "message", "path", "product",
                          "room", "send"},
    "user_service": {"base_url", "token", "platforms", "ids", "batch_path", "batch_size", "timeout_s"},
    "retention": {"messages_per_chat", "days", "keep_at_least", "cleanup_at", "events_days"},
    "limits": {"requests_per_minute", "sign_ins_per_minute", "timeout_s"},
}


def parse(text):
    parser = configparser.ConfigParser(delimiters="=", comment_prefixes="#", interpolation=None,
                                       strict=True)
    parser.optionxform = str
    parser.read_string(text)
    return parser


def check_example(path):
    text = path.read_text(encoding="utf-8")
    parse(text)
    lines = [re.sub(COMMENTED_OUT, "", line) for line in text.splitlines()]
    parser = parse("\n".join(lines))
    found = {group: {re.sub(r"_(env|file)$", "", key.split(".")[0]) for key in parser[group]}
             for group in parser.sections()}
    for group in sorted(KEYS.keys() | found.keys()):
        for key in sorted(KEYS.get(group, set()) ^ found.get(group, set())):
            yield "%s: [%s] %s is %s" % (
                path.name, group, key,
                "missing" if key in KEYS.get(group, set()) else "not a key of the server")
    for group in parser.sections():
        for key, value in parser[group].items():
            if re.search(r"token|secret", key) and not re.search(r"_(env|file)(\.|$)", key):
                yield "%s: [%s] %s stands inline" % (path.name, group, key)
            if not value:
                yield "%s: [%s] %s has no value" % (path.name, group, key)


def check_unit(path):
    text = path.read_text(encoding="utf-8")
    if re.search(r"@[a-z]+@", text):
        yield "%s: something was not replaced" % path.name
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        yield "systemd-analyze is missing: install the package systemd"
        return
    with tempfile.TemporaryDirectory() as folder:
        # The programs need not be installed for the unit to be right.
        copy = pathlib.Path(folder) / path.name
        copy.write_text(re.sub(r"=/\S*/frontdeskd\b", "=/bin/true", text), encoding="utf-8")
        result = subprocess.run([analyze, "verify", "--man=no", "--recursive-errors=no", str(copy)],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in result.stdout.splitlines():
        if path.name in line:
            yield line


def check_daemon(daemon, path):
    """The daemon takes the example as it stands, and with everything uncommented."""
    text = path.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        whole = pathlib.Path(folder) / path.name
        lines = [re.sub(COMMENTED_OUT, "", line) for line in text.splitlines()
                 if not re.match(r"#[a-z_]+_file(\.[A-Za-z_-]+)?=", line)]  # beside its _env it would be a second source
        whole.write_text("\n".join(lines) + "\n", encoding="utf-8")
        for candidate in (path, whole):
            result = subprocess.run([daemon, "check-config", str(candidate)], stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, text=True)
            if result.returncode != 0:
                yield result.stdout.strip()


def main(unit, example, daemon):
    example = pathlib.Path(example)
    faults = (list(check_unit(pathlib.Path(unit))) + list(check_example(example))
              + list(check_daemon(daemon, example)))
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
