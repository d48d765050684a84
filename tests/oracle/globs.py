# SPDX-License-Identifier: Apache-2.0
"""How the oracle matches paths, names and arguments: each pattern written out, and every position tried."""

import itertools

SLASH = ord("/")

# A pattern is read into a list of items: an int is that byte, the rest are tuples:
# ('*',) ('**',) ('?',) ('[', negated, set of bytes) ('{', list of lists of items)


def read_escape(text, at):
    """The byte that the escape at text[at] == '\\' means, and where the text goes on."""
    if text[at + 1] == ord("x"):
        return int(text[at + 2:at + 4], 16), at + 4
    return text[at + 1], at + 2


def read_class(text, at):
    """Reads '[...]' from the byte after '['."""
    negated = text[at] == ord("!")
    if negated:
        at += 1
    members = set()
    while text[at] != ord("]"):
        low, at = read_escape(text, at) if text[at] == ord("\\") else (text[at], at + 1)
        high = low
        if text[at] == ord("-") and text[at + 1] != ord("]"):
            at += 1
            high, at = read_escape(text, at) if text[at] == ord("\\") else (text[at], at + 1)
        members.update(range(low, high + 1))
    return ("[", negated, frozenset(members)), at + 1


def read_items(text, at, nested):
    """Reads items up to the end, or within braces up to ',' or '}' (left unread)."""
    items = []
    while at < len(text):
        byte = text[at]
        if nested and byte in b",}":
            break
        if byte == ord("\\"):
            value, at = read_escape(text, at)
            items.append(value)
        elif text[at:at + 2] == b"**":
            items.append(("**",))
            while text[at:at + 1] == b"*":  # more of them say nothing more
                at += 1
        elif byte == ord("*"):
            items.append(("*",))
            at += 1
        elif byte == ord("?"):
            items.append(("?",))
            at += 1
        elif byte == ord("["):
            item, at = read_class(text, at + 1)
            items.append(item)
        elif byte == ord("{"):
            alternatives = []
            at += 1
            while True:
                inner, at = read_items(text, at, True)
                alternatives.append(inner)
                at += 1
                if text[at - 1] == ord("}"):
                    break
            items.append(("{", alternatives))
        else:
            items.append(byte)
            at += 1
    return items, at


def expand(items):
    """All brace-free lists of items that a list of items stands for."""
    choices = []
    for item in items:
        if isinstance(item, tuple) and item[0] == "{":
            choices.append([flat for inner in item[1] for flat in expand(inner)])
        else:
            choices.append([[item]])
    return [list(itertools.chain.from_iterable(pick)) for pick in itertools.product(*choices)]


def read_glob(text):
    """A pattern (str) as the list of brace-free patterns it stands for."""
    items, _ = read_items(text.encode(), 0, False)
    return expand(items)


class Globs:
    """How the pieces of a glob match. A class, so that the self-test can break one of them."""

    def star_takes(self, byte):
        return byte != SLASH

    def question_takes(self, byte):
        return byte != SLASH

    def class_takes(self, item, byte):
        return byte != SLASH and (byte in item[2]) != item[1]

    def slash_doublestar_slash_is_slash(self):
        return True

    def below_takes_itself(self):
        return False

    def match_flat(self, items, text):
        """Backtracking: every (item, position) that can be reached, each tried once."""
        todo = [(0, 0)]
        seen = set()
        while todo:
            i, j = here = todo.pop()
            if here in seen:
                continue
            seen.add(here)
            if i == len(items):
                if j == len(text):
                    return True
                continue
            item = items[i]
            if item == SLASH and items[i + 1:] == [("**",)] and j == len(text) \
                    and self.below_takes_itself():
                return True
            if item == SLASH and items[i + 1:i + 3] == [("**",), SLASH] \
                    and self.slash_doublestar_slash_is_slash():
                todo.append((i + 2, j))
            if item == ("*",):
                todo.append((i + 1, j))
                if j < len(text) and self.star_takes(text[j]):
                    todo.append((i, j + 1))
            elif item == ("**",):
                todo.append((i + 1, j))
                if j < len(text):
                    todo.append((i, j + 1))
            elif j < len(text) and (
                    item == text[j] if isinstance(item, int) else
                    self.question_takes(text[j]) if item[0] == "?" else
                    self.class_takes(item, text[j])):
                todo.append((i + 1, j + 1))
        return False

    def match(self, flats, path):
        """Whether one of the patterns that a glob stands for matches the whole path."""
        if path == b"/":
            return any(flat == [SLASH] for flat in flats)
        return any(self.match_flat(flat, path) for flat in flats)


class Names(Globs):
    """How they match abstract names: no byte is special there."""

    def star_takes(self, byte):
        return True

    def question_takes(self, byte):
        return True

    def class_takes(self, item, byte):
        return (byte in item[2]) != item[1]

    def slash_doublestar_slash_is_slash(self):
        return False

    def match(self, flats, name):
        return any(self.match_flat(flat, name) for flat in flats)
