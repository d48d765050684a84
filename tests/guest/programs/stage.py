# SPDX-License-Identifier: Apache-2.0
"""The guest's side of real.py: makes the files and sockets that random accesses are about, starts the actors, and
has them do what they are told. Reads lines of JSON, [word, arguments...], and answers each with one."""

import json
import os
import shutil
import socket
import subprocess
import sys

AT_ONCE = 50  # deeds that an actor is told of before its answers are read

actors = {}
held = []  # sockets that listen


def files(made):
    """Files by their paths, each a copy of another file; a directory where there is none to copy. Everybody may do
    there what the mode lets him."""
    for path, source, mode in made:
        if source is None:
            os.makedirs(path, exist_ok=True)
        else:
            shutil.copyfile(source, path)
        os.chmod(path, mode)


def sockets(names):
    for name in names:
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(bytes.fromhex(name))
        listening.listen(64)
        held.append(listening)
        if not name.startswith("00"):
            os.chmod(bytes.fromhex(name), 0o777)


def start(name, argv):
    """Returns what /proc knows of its cgroup, where the actor is at home in this pid namespace."""
    actor = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    said = actor.stdout.readline().split()
    if said[:1] != ["ready"]:
        raise RuntimeError(f"{name}: {argv} ended with {actor.wait()}")
    actors[name] = actor


def drop(paths):
    for path in paths:
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass


def do(deeds):
    """Lines for actors, {actor: [line]}; returns [number, pid, result] of each."""
    done = []
    for name, lines in deeds.items():
        actor = actors[name]
        for at in range(0, len(lines), AT_ONCE):
            some = lines[at:at + AT_ONCE]
            actor.stdin.write("".join(f"{line}\n" for line in some))
            actor.stdin.flush()
            for line in some:
                answer = actor.stdout.readline().split()
                if len(answer) != 3:
                    raise RuntimeError(f"{name} has ended after {line}")
                done.append([int(answer[0]), int(answer[1]), answer[2]])
    return done


def end():
    for actor in actors.values():
        actor.stdin.close()
    for actor in actors.values():
        actor.wait()


def main():
    words = {"files": files, "sockets": sockets, "start": start, "drop": drop, "do": do, "end": end}
    for line in sys.stdin:
        word, *arguments = json.loads(line)
        try:
            answer = {"answer": words[word](*arguments)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


main()
