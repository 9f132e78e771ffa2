"""Generates command lines from the program's help, so that new commands and options are covered automatically."""

import re
import subprocess

# Texts that argument parsers, path handling, tables and terminals often handle wrongly.
ODD_TEXTS = [
    "0", "-1", "1", "00", "+1", "1.5", "1e3", "1e999", "nan", "-inf", "true", "null", "~", "9223372036854775807",
    "9223372036854775808", "-9223372036854775808", "18446744073709551616", "1" * 400, "", " ", ".", "..", "/", "./", "-", "--", "---",
    "=", "a=b", ",", ",,", "a,b", "[", "{", "{}", "[]", "*", "%", "%s", "%n%n", "\\", "'", '"', "`id`", "$HOME", "$(id)", "|", "a|b",
    "x^2 ~ {y} & 5 % $", "#", "ä", "日本語", "e\u0301", "\u202eabc", "\ufeff", "\U0001f600", "\x1b[31mred", "a\nb", "a\rb", "\x07", "\x7f",
    "a\tb", "\udcff\udc80", "x" * 300, "x" * 5000, "y/" * 2500, "é" * 40000, "1," * 20000, "[" * 20000, "a." * 5000 + "a",
]  # fmt: skip


class Option:
    def __init__(self, name, placeholder, meaning):
        self.name, self.placeholder = name, placeholder
        self.required = "(required)" in meaning
        self.choices, self.low, self.high = accepted(meaning)


class Word:
    def __init__(self, name, meaning, optional, many):
        self.name, self.placeholder, self.optional, self.many = name, name, optional, many
        self.choices, self.low, self.high = accepted(meaning)


class Invocation:
    """One command or action with its path, words and options, as `--help` shows them."""

    def __init__(self, path, text):
        self.path = path
        usage, _, rest = text.partition("\n\n")
        usage = " ".join(usage.split())[len("usage: airframe ") + len(" ".join(path)) :]
        table = {}
        for match in re.finditer(r"^  (\S[^\n]*?)(?:  +(.*(?:\n   +.*)*))$", rest, re.M):
            table[match[1]] = " ".join(match[2].split())
        self.options = []
        for form, meaning in table.items():
            if form.startswith("--"):
                name, _, placeholder = form.partition(" ")
                self.options.append(Option(name, placeholder or None, meaning))
        self.keys = "[key=value ...]" in usage
        # Only the positional words: without options and their values.
        bare = re.sub(r"\[--[^\]]*\]|\[key=value \.\.\.\]", " ", usage)
        for option in self.options:
            bare = re.sub(rf"(\| )?{option.name}( {re.escape(option.placeholder or '')})?(?![\w-])", " ", bare)
        self.words = []
        for match in re.finditer(r"(\[)?([A-Z][\w|.]*)( \.\.\.)?\]?", bare):
            name = match[2]
            self.words.append(Word(name, table.get(name, ""), match[1] is not None, match[3] is not None))
        # An option that replaces a word is not in brackets in the usage: (CONFIG | --resume RUN).
        self.instead = [option for option in self.options if f"| {option.name}" in usage]

    @property
    def title(self):
        return " ".join(self.path)

    def takes(self):
        """The placeholders of its words and options."""
        return {thing.placeholder for thing in self.words + self.options if thing.placeholder}


def accepted(meaning):
    """The choices and the range that the help states."""
    choices = re.search(r": ([a-z][\w-]*(?:, [a-z][\w-]*)+)(?= \(|$)", meaning)
    bounds = re.search(r"from (-?\d+) (?:to (-?\d+)|on)", meaning)
    return (
        choices[1].split(", ") if choices else [],
        int(bounds[1]) if bounds else None,
        (int(bounds[2]) if bounds[2] else 2**63 - 1) if bounds else None,
    )


def read(program):
    """All commands and actions of the program."""

    def help_of(*path):
        result = subprocess.run([program, *path, "--help"], capture_output=True, text=True, timeout=60, check=True)
        return result.stdout

    found = []
    for command in re.findall(r"^  ([a-z][a-z-]*)  ", help_of(), re.M):
        text = help_of(command)
        usage = text.partition("\n\n")[0]
        actions = re.findall(rf"airframe {command} ([a-z][a-z-]*)", usage)
        for action in actions:
            found.append(Invocation([command, action], help_of(command, action)))
        if f"usage: airframe {command} " in usage and not re.search(
            rf"usage: airframe {command} [a-z][a-z-]*( |\n|$)(?!=)", usage
        ):
            found.append(Invocation([command], re.sub(rf"\n +airframe {command} [\s\S]*?\n\n", "\n\n", text, count=1)))
    assert len(found) > 10, "the help is not as this script expects it"
    return found


class CommandLine:
    """The words of one call, and the facts about them that the checks need."""

    def __init__(self, invocation):
        self.invocation = invocation
        self.words = list(invocation.path)
        # The files that the command is told to write.
        self.outputs = []
        # Large numbers request much work. The command may then run for long, but must stop when it is told to.
        self.may_work = invocation.path[0] in ("bench", "estimators")


class Writer:
    """Writes random command lines. `wildness` is the share of values that no user would give."""

    def __init__(self, random, materials, keys, wildness):
        self.random, self.materials, self.keys, self.wildness = random, materials, keys, wildness

    def line(self, invocation, pins=None, overrides=()):
        """`pins` gives the values of placeholders, such as RUN."""
        line, pins = CommandLine(invocation), dict(pins or {})
        groups = []
        options = list(invocation.options)
        replaced = None
        for option in invocation.instead:
            if option.placeholder in pins or (not self.pinned_word(invocation, pins) and self.chance(0.4)):
                replaced = option
                groups.append(self.option(line, option, pins))
            options.remove(option)
        for index, word in enumerate(invocation.words):
            if replaced and index == 0 and not self.wild():
                continue
            if word.optional and word.placeholder not in pins and self.chance(0.5):
                continue
            if self.wild(0.3):
                continue
            count = self.random.choice([1, 1, 1, 2, 3]) if word.many and word.placeholder not in pins else 1
            for _ in range(count):
                groups.append([self.value(line, word, pins, is_output=False)])
        for option in options:
            pinned = option.placeholder in pins and option.placeholder not in ("DIR", "FILE")
            # Options that limit the work are almost always given.
            share = 0.9 if option.low in (1, 2) and option.name != "--threads" else 0.15
            if option.required and not self.wild(0.3) or pinned or self.chance(share):
                groups.append(self.option(line, option, pins))
        if invocation.keys:
            for _ in range(self.random.choice([0, 0, 0, 1, 1, 2]) if not pins else self.chance(0.15)):
                groups.append([self.key_value(line)])
            groups += [[text] for text in overrides]
        if self.wild(0.5):
            groups.append([self.random.choice(ODD_TEXTS)])
        if self.wild(0.5):
            self.random.shuffle(groups)
        for group in groups:
            line.words += group
        return line

    def chance(self, share):
        return self.random.random() < share

    def wild(self, part=1.0):
        return self.chance(self.wildness * part)

    @staticmethod
    def pinned_word(invocation, pins):
        return any(word.placeholder in pins for word in invocation.words)

    def option(self, line, option, pins):
        if option.placeholder is None:
            return [option.name]
        value = self.value(line, option, pins, is_output=option.name in ("--out", "--csv", "--seeds-file"))
        return [f"{option.name}={value}"] if self.chance(0.3) or value.startswith("--") else [option.name, value]

    def value(self, line, thing, pins, is_output):
        name = thing.placeholder
        if name in pins and not is_output and name != "DIR":
            return pins[name]
        if self.wild(0.4):
            value = self.random.choice(ODD_TEXTS)
            # Nothing may be written outside the folder of the case.
            return value.replace("/", "_") or "" if value.startswith(("/", "..")) and name != "N" else value
        if thing.choices and not (thing.placeholder == "NAME" and self.wild()):
            return self.random.choice(thing.choices)
        if thing.low is not None:
            return self.integer(line, thing)
        if is_output and name != "DIR":
            path = self.random.choice(self.materials.outputs(name, self.wildness))
            line.outputs.append(path)
            return path
        return self.random.choice(self.materials.values(name, thing.name, self.wildness))

    def integer(self, line, thing):
        if self.wild(0.5):
            value = self.random.choice([thing.low - 1, thing.high, thing.high + 1, 2**63 - 1, 2**63, -(2**63), 1000, 65536])
        else:
            value = min(thing.high, thing.low + self.random.choice([0, 0, 1, 2, 3, 5]))
        line.may_work |= value > 64
        return str(value)

    def key_value(self, line):
        if self.wild(0.5):
            key = self.random.choice(
                ODD_TEXTS + ["model", "training", "regularizers.0.weight", "model.head.0", "lr", "seed"]
            )
        else:
            key = self.random.choice(self.keys)
        value = self.random.choice(
            ODD_TEXTS[:22] + ["2", "3", "0.1", "marginal", "air", "[4]", "[4, 4]", "{1: 4}", "./images", "sgd"]
        )
        if self.wild(0.3):
            value = self.random.choice(ODD_TEXTS)
        line.may_work = True
        return f"{key}={value}"
