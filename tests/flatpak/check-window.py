#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed Flatpak, as somebody would meet it: check-window.py ID MANIFEST PICTURES. Inside
with-screen.sh."""

import configparser
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from desk_run import Site, wait_for  # noqa: E402
import desk_ui  # noqa: E402


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def check_permissions(name, manifest):
    """What was installed may do what the manifest says, and nothing else."""
    wanted = set(json.loads(pathlib.Path(manifest).read_text())["finish-args"])
    granted = configparser.ConfigParser(delimiters="=")
    granted.optionxform = str
    granted.read_string(run("flatpak", "info", "--user", "--show-permissions", name))
    found = set()
    for key, prefix in (("shared", "--share="), ("sockets", "--socket="), ("devices", "--device=")):
        words = granted.get("Context", key, fallback="").split(";")
        found |= {prefix + word for word in words if word}
    found.discard("--socket=x11")  # what fallback-x11 becomes in part
    assert "filesystems" not in granted["Context"], granted["Context"]["filesystems"]
    if granted.has_section("Session Bus Policy"):
        found |= {"--%s-name=%s" % (rule, bus) for bus, rule in granted["Session Bus Policy"].items()}
    assert found == wanted, (found, wanted)


class Sandboxed(desk_ui.Window):
    """The window is in the sandbox: there its process has another number, and its name is all that we know."""

    def __init__(self, site, name):
        self.log_path = site.path / "frontdesk.log"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(["flatpak", "run", "--user", name, "--demo"], stdout=log, stderr=log)
        self.root = None
        self.root = wait_for("the window", self.look_for_application, 60)

    def look_for_application(self):
        desk_ui.drain()
        assert self.process.poll() is None, "it ended with %s\n%s" % (self.process.returncode, self.log())
        for node in desk_ui.Node(desk_ui.Atspi.get_desktop(0)).children():
            if node.name in ("frontdesk", "org.frontdesk.Frontdesk") and next(node.children(), None):
                return node
        return None


def main(name, manifest, pictures):
    check_permissions(name, manifest)
    with Site("frontdesk-flatpak-") as site:
        secret = pathlib.Path.home() / "secret.txt"
        secret.write_text("of the host")
        done = subprocess.run(["flatpak", "run", "--user", "--command=cat", name, str(secret)], capture_output=True, text=True)
        assert done.returncode != 0 and "of the host" not in done.stdout, "the sandbox reads the home folder"
        window = Sandboxed(site, name)
        try:
            window.wait("the demo's inbox", 60, chat="Aiko Tanaka")
            window.screenshot(pathlib.Path(pictures) / "flatpak.png")
        finally:
            subprocess.run(["flatpak", "kill", name], check=False)
            window.process.wait(20)
    print("the Flatpak is built, installed, confined as the manifest says, and shows the demo")


if __name__ == "__main__":
    main(*sys.argv[1:])
