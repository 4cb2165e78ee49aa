#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the icons: every one is well-formed, and the symbolic ones can be recoloured by GTK.

GTK recolours what is filled with the stock colour of symbolic icons; strokes, gradients, styles
and other colours would keep their look on a dark background, so they are refused here.
"""

import pathlib
import sys
import xml.etree.ElementTree as ET

SVG = "{http://www.w3.org/2000/svg}"
STOCK = "#2e3436"
PLATFORMS = ["telegram", "whatsapp", "instagram", "messenger", "partner", "demo", "generic"]
STATES = ["queued", "sent", "delivered", "read", "failed", "note"]
NEEDED = ["symbolic/desk-platform-%s-symbolic.svg" % name for name in PLATFORMS] + [
    "symbolic/desk-%s-symbolic.svg" % name for name in STATES] + [
    "hicolor/symbolic/apps/org.frontdesk.Frontdesk-symbolic.svg",
    "hicolor/scalable/apps/org.frontdesk.Frontdesk.svg"]


def faults_of_symbolic(root):
    if root.get("width") != "16" or root.get("height") != "16":
        yield "is not 16 × 16"
    for element in root.iter():
        if element is root:
            continue
        if element.tag != SVG + "path":
            yield "has <%s>; only paths are recoloured" % element.tag.replace(SVG, "")
        if element.get("fill") != STOCK:
            yield "is filled with %s instead of %s" % (element.get("fill"), STOCK)
        for name in ("stroke", "style", "class", "filter"):
            if element.get(name) is not None:
                yield "uses " + name


def main(folder):
    folder = pathlib.Path(folder)
    faults = ["%s: missing" % name for name in NEEDED if not (folder / name).is_file()]
    for path in sorted(folder.rglob("*.svg")):
        name = path.relative_to(folder)
        try:
            root = ET.parse(path).getroot()
        except ET.ParseError as error:
            faults.append("%s: %s" % (name, error))
            continue
        if path.stem.endswith("-symbolic"):
            faults += ["%s: %s" % (name, fault) for fault in faults_of_symbolic(root)]
        elif root.get("viewBox") != "0 0 128 128":
            faults.append("%s: is not on the 128 × 128 grid" % name)
    bundle = (folder / "desk-icons.gresource.xml").read_text(encoding="utf-8")
    faults += ["desk-icons.gresource.xml: %s is missing" % path.name
               for path in sorted((folder / "symbolic").glob("*.svg"))
               if ">symbolic/%s<" % path.name not in bundle]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
