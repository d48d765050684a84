#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the shells complete of bailiff's command line is what its help says: each shell is asked itself.

    completions_check.py path/to/bailiff BASH-FILE ZSH-FILE FISH-FILE
"""

import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

BAILIFF, BASH, ZSH, FISH = map(os.path.abspath, sys.argv[1:5])
READY = "@ready@"
PATIENCE_S = 30


def tool(*args: str) -> str:
    return subprocess.run([BAILIFF, *args], capture_output=True, text=True, check=True).stdout


def commands() -> list[str]:
    return re.findall(r"^  (\w+)  ", tool("--help"), re.M)


def options(command: str) -> set[str]:
    return {"--" + name for name in re.findall(r"^  (?:-\w, )?--([a-z-]+)", tool(command, "--help"), re.M)}


# ---- the shells: each answers what may stand where a command line ends -----------------------------

def bash(words: list[str], folder: pathlib.Path) -> set[str]:
    quoted = " ".join(f"'{word}'" for word in words)
    script = (f"source '{BASH}'; compopt() {{ :; }}; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _bailiff; "
              "printf '%s\\n' \"${COMPREPLY[@]}\"")
    done = subprocess.run(["bash", "--norc", "-c", script], cwd=folder, capture_output=True, text=True, check=True)
    assert not done.stderr, done.stderr
    return set(done.stdout.split())


def fish(words: list[str], folder: pathlib.Path) -> set[str]:
    environment = dict(os.environ, HOME=str(folder), XDG_CONFIG_HOME=str(folder), XDG_DATA_HOME=str(folder))
    script = f"source '{FISH}'; complete -C '{' '.join(words)}'"
    done = subprocess.run(["fish", "--no-config", "-c", script], cwd=folder, capture_output=True, text=True,
                          check=True, env=environment)
    assert not done.stderr, done.stderr
    return {line.split("\t")[0] for line in done.stdout.splitlines()}


class Terminal:
    """An interactive zsh, which completes nowhere else."""

    def __init__(self, folder: pathlib.Path) -> None:
        home = folder / ".zsh"
        home.mkdir()
        shutil.copy(ZSH, home / "_bailiff")
        (home / ".zshrc").write_text(
            f"unsetopt prompt_cr prompt_sp; PS1='{READY}'; LISTMAX=10000\n"
            "fpath=($ZDOTDIR $fpath); autoload -U compinit; compinit -D -u\n"
            "setopt beep list_beep; bindkey '^T' list-choices; stty columns 300 rows 500\n")
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.chdir(folder)
            os.execvpe("zsh", ["zsh", "-d", "-i"], {**os.environ, "TERM": "dumb", "ZDOTDIR": os.fspath(home)})
        self.read(lambda text: text.endswith(READY))

    def say(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def read(self, is_all: Callable[[str], bool]) -> str:
        text, ends = "", time.monotonic() + PATIENCE_S
        while not is_all(text):
            ready, _, _ = select.select([self.fd], [], [], max(0, ends - time.monotonic()))
            assert ready, f"zsh says no more than: {text[-500:]!r}"
            text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text + os.read(self.fd, 65536).decode(errors="replace"))
        return text

    def choices(self, line: str) -> str:
        """What is listed for a line; it lists nothing while there is more to be read, and beeps where there is nothing."""
        self.say(line)
        self.read(lambda text: text.endswith(line))
        self.say("\x14")
        return self.read(lambda text: "\a" in text or text.endswith(READY + line)).removesuffix(line)

    def end(self) -> None:
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def zsh(words: list[str], folder: pathlib.Path) -> set[str]:
    terminal = Terminal(folder)
    try:
        shown = terminal.choices(" ".join(words))
    finally:
        terminal.end()
    return set(re.split(r"[\s()]+", shown))


SHELLS: dict[str, Callable[[list[str], pathlib.Path], set[str]]] = {"bash": bash, "zsh": zsh, "fish": fish}


# ---- what is expected --------------------------------------------------------------------------

def offered(shell: str, *words: str) -> set[str]:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "policy.json").write_text("{}")
        (folder / "notes.txt").write_text("")
        (folder / "rules").mkdir()
        return SHELLS[shell](["bailiff", *words], folder)


def expect(shell: str, words: tuple[str, ...], wanted: set[str], unwanted: set[str] = frozenset()) -> None:
    found = {word.rstrip("/") for word in offered(shell, *words)}
    assert wanted <= found, f"{words}: {sorted(wanted - found)} missing in {sorted(found)[:60]}"
    assert not unwanted & found, f"{words}: {sorted(unwanted & found)}"


def check_commands(shell: str) -> None:
    expect(shell, ("",), set(commands()))


def check_options(shell: str) -> None:
    others = {option for command in commands() for option in options(command)}
    for command in commands() if shell != "zsh" else ["check", "explain", "events", "status"]:
        own = options(command)
        expect(shell, (command, "--"), own, others - own)


def check_values(shell: str) -> None:
    expect(shell, ("explain", "--access", ""), {"read", "write", "attributes"}, {"policy.json", "tcp"})
    expect(shell, ("explain", "--protocol", ""), {"tcp", "sctp"}, {"policy.json", "read"})
    expect(shell, ("explain", "--capability", "CAP_NET_"), {"CAP_NET_ADMIN", "CAP_NET_RAW"})
    expect(shell, ("explain", "--container", ""), {"true", "false"})
    expect(shell, ("events", "-o", ""), {"compact", "json", "ecs"})
    expect(shell, ("events", "--file", ""), {"notes.txt"}, {"memfd"})
    expect(shell, ("explain", "--file", ""), {"memfd"}, {"notes.txt"})
    expect(shell, ("explain", "--uid", "roo"), {"root"})
    expect(shell, ("explain", ""), {"exec", "open", "connect", "trace"})


def check_files(shell: str) -> None:
    expect(shell, ("check", ""), {"policy.json", "rules"}, {"notes.txt"} if shell != "fish" else set())
    expect(shell, ("cat", "--root", ""), {"rules"}, {"policy.json", "notes.txt"})
    expect(shell, ("status", ""), set(), {"policy.json", "rules"})


def main() -> int:
    checks = [(shell, check) for shell in SHELLS for check in (check_commands, check_options, check_values, check_files)]
    failed = False
    print(f"1..{len(checks)}")
    for number, (shell, check) in enumerate(checks, 1):
        name = f"{shell}: {check.__name__.removeprefix('check_')}"
        if not shutil.which(shell):
            print(f"ok {number} - {name} # SKIP {shell} is not installed")
            continue
        try:
            check(shell)
            print(f"ok {number} - {name}", flush=True)
        except (AssertionError, subprocess.CalledProcessError) as error:
            print("# " + str(error).replace("\n", "\n# ") + f"\nnot ok {number} - {name}", flush=True)
            failed = True
    return failed


if __name__ == "__main__":
    sys.exit(main())
