#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A text as the source of a C string: embed.py INPUT OUTPUT NAME"""

import json
import pathlib
import sys


def main():
    source, target, name = sys.argv[1:]
    text = pathlib.Path(source).read_text(encoding="utf-8")
    json.loads(text)  # what is no JSON is not shipped
    lines = [line.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?") for line in text.splitlines()]
    pathlib.Path(target).write_text(
        f"/* Made of {pathlib.Path(source).name}. */\nextern const char {name}[];\n"
        f"const char {name}[] =" + "".join(f'\n\t"{line}\\n"' for line in lines) + ";\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
