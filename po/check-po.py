#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the translations: POTFILES.in names every file that has texts for people, the template holds
exactly these texts, every language of LINGUAS is valid for gettext, and the languages that are promised
to be complete have nothing untranslated or fuzzy.

    po/check-po.py FOLDER            the test
    po/check-po.py FOLDER --update   writes POTFILES.in, the template and the languages anew; what they lack
                                     is then to be translated by hand
"""

import pathlib
import re
import subprocess
import sys
import tempfile

COMPLETE = {"uk", "vi", "de", "pt_BR", "ar"}
# What meson's preset "glib" gives to xgettext.
KEYWORDS = ["_", "N_", "C_:1c,2", "NC_:1c,2", "g_dcgettext:2", "g_dngettext:2,3", "g_dpgettext2:2c,3",
            "ngettext:1,2"]
FLAGS = ["N_:1:pass-c-format", "C_:2:pass-c-format", "NC_:2:pass-c-format", "g_dngettext:2:pass-c-format",
         "g_strdup_printf:1:c-format", "g_string_printf:2:c-format", "g_string_append_printf:2:c-format",
         "g_error_new:3:c-format", "g_set_error:4:c-format"]
CLEAN = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
HEAD = "# Every file with texts for people, in alphabetical order; made by check-po.py --update\n"


def lines_of(path):
    return [line for line in path.read_text(encoding="utf-8").splitlines()
            if line.strip() and not line.startswith("#")]


def files_with_texts(root):
    """Sources that include gettext's header and use it, templates, and the data files for the desktop."""
    found = [path for path in root.glob("data/org.frontdesk.Frontdesk.*")
             if path.suffix in (".in", ".xml") and not path.name.endswith(".service.in")]
    found += [path for path in root.glob("src/**/*.c")
              if re.search(r"\b(_|N_|C_|NC_|ngettext) ?\(\"|\b_ \(\n", path.read_text(encoding="utf-8"))]
    found += [path for path in root.glob("src/**/*.ui") if 'translatable="yes"' in path.read_text(encoding="utf-8")]
    return sorted(str(path.relative_to(root)) for path in found)


def make_template(root, files, out):
    command = ["xgettext", "--from-code=UTF-8", "--add-comments", "--package-name=frontdesk", "-o", str(out)]
    command += ["--keyword=" + keyword for keyword in KEYWORDS] + ["--flag=" + flag for flag in FLAGS]
    subprocess.run(command + files, cwd=root, check=True, env=CLEAN)


def texts_of(path):
    """Every entry of a template without its comments and header."""
    result = subprocess.run(["msgcat", "--no-location", "--no-wrap", "--sort-output", str(path)], check=True,
                            stdout=subprocess.PIPE, text=True, env=CLEAN)
    entries = (re.sub(r"^#.*\n", "", entry, flags=re.M).strip() for entry in result.stdout.split("\n\n"))
    return {entry for entry in entries if entry and not entry.startswith('msgid ""\nmsgstr ""\n"')}


def check_template(root):
    listed, real = lines_of(root / "po" / "POTFILES.in"), files_with_texts(root)
    if sorted(listed) != real:
        yield "POTFILES.in: " + ", ".join(sorted(set(listed) ^ set(real)) or ["order"])
    with tempfile.TemporaryDirectory() as folder:
        fresh = pathlib.Path(folder) / "fresh.pot"
        make_template(root, real, fresh)
        now, kept = texts_of(fresh), texts_of(root / "po" / "frontdesk.pot")
    for name, texts in (("lacks", now - kept), ("is not used any more:", kept - now)):
        for text in sorted(texts)[:5]:
            yield "frontdesk.pot %s %s" % (name, text.splitlines()[0])
    if now != kept:
        yield "run: po/check-po.py . --update"


def check_language(path, language):
    if not path.is_file():
        yield "%s: missing" % path
        return
    result = subprocess.run(["msgfmt", "--check", "--statistics", "-o", "/dev/null", str(path)],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=CLEAN)
    if result.returncode != 0:
        yield result.stdout.strip()
    elif language in COMPLETE and re.search(r"[1-9]\d* (fuzzy|untranslated)", result.stdout):
        yield "%s: %s" % (path, result.stdout.strip())


def update(root):
    files = files_with_texts(root)
    (root / "po" / "POTFILES.in").write_text(HEAD + "".join(name + "\n" for name in files), encoding="utf-8")
    make_template(root, files, root / "po" / "frontdesk.pot")
    for language in lines_of(root / "po" / "LINGUAS"):
        path = root / "po" / (language + ".po")
        if path.exists():
            subprocess.run(["msgmerge", "--quiet", "--update", "--backup=none", "--previous", str(path),
                            str(root / "po" / "frontdesk.pot")], check=True, env=CLEAN)
    return 0


def main(root, *options):
    root = pathlib.Path(root)
    if "--update" in options:
        return update(root)
    faults = list(check_template(root))
    missing = COMPLETE - set(lines_of(root / "po" / "LINGUAS"))
    faults += ["LINGUAS: lacks " + language for language in sorted(missing)]
    for language in lines_of(root / "po" / "LINGUAS"):
        faults += check_language(root / "po" / (language + ".po"), language)
    for language in lines_of(root / "help" / "LINGUAS"):
        faults += check_language(root / "help" / language / (language + ".po"), language)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
