"""Checks that need only the text: unknown commands and keys, wrong values, versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from hailstack.compiler.script.findings import Finding, Surroundings, finding, with_value
from hailstack.compiler.script.format import format_command, format_value
from hailstack.compiler.script.syntax import Argument, Command, Number, Script, Text, Unreadable, Value, Word
from hailstack.compiler.script.vocabulary import (
    CONVERSION,
    FEATURED,
    Signature,
    command_names,
    features,
    fits,
    in_words,
    nearest,
    owner,
    signature,
    version_tuple,
)

Strings = Mapping[str, str]


def check_words(script: Script, around: Surroundings) -> Iterator[Finding]:
    """Whether every line is a command that exists, with arguments that it takes, for this version of the compiler."""
    for line in script.unreadable:
        yield _unreadable(line)
    for command in script.commands:
        known = signature(command)
        if known is None:
            yield _unknown(command)
            continue
        yield from _check_positions(command, known)
        yield from _check_keys(command, known)
        yield from _check_versions(command, known, around)


def _unreadable(line: Unreadable) -> Finding:
    word = line.text.split("#")[0].strip().removesuffix("()")
    entry = owner(word)
    if entry is not None:
        correction = f"{_call(entry)}{word}={'True' if 'switch' in entry.keys[word] else '…'})"
        message = f"{word!r} is no command; it is a setting of {entry.name}"
        return finding(line.place, "unknown-command", message, correction)
    return finding(line.place, "syntax", line.message, line.correction or None)


def _call(entry: Signature) -> str:
    """The beginning of a command up to where its keys follow."""
    name, _, feature = entry.name.partition(" ")
    return f"{name}({feature}, " if feature else f"{name}("


def _unknown(command: Command) -> Finding:
    if command.name in FEATURED:
        return _unknown_feature(command)
    entry = owner(command.name)
    if entry is not None:
        value = format_value(command.args[0]) if command.args else "True"
        message = f"{command.name!r} is no command; it is a setting of {entry.name}"
        return finding(command, "unknown-command", message, f"{_call(entry)}{command.name}={value})")
    near = nearest(command.name, command_names())
    if near:
        meant = replace(command, name=near)
        known = signature(meant)
        sound = known is not None and not any(_check_positions(meant, known))
        message = f"{command.name!r} is no command; the nearest is {near!r}"
        return finding(command, "unknown-command", message, format_command(meant) if sound else None)
    return finding(command, "unknown-command", f"{command.name!r} is no command of a model script")


def _unknown_feature(command: Command) -> Finding:
    """``post_quantization_optimization(bias_correction=True)`` and the like."""
    known = features(command.name)
    said = command.feature or next((name for name in command.kwargs), "")
    if said in known:
        right = f"{command.name}({said}, policy=enabled)"
        return finding(command, "unknown-feature", f"{said!r} is the first argument of {command.name}, no key", right)
    entry = owner(said)
    if not command.feature and entry is not None:
        right = f"{_call(entry)}{said}={format_value(command.kwargs[said])})"
        return finding(command, "unknown-feature", f"{said!r} is a setting of {entry.name}", right)
    near = nearest(said, known)
    message = f"{command.name} is about one of {', '.join(known)}; {said!r} is none of them"
    correction = None
    if near and command.args:
        first = next(argument for argument in command.arguments if argument.name is None)
        correction = with_value(command, first, Word(near))
    return finding(command, "unknown-feature", message, correction)


def _check_positions(command: Command, known: Signature) -> Iterator[Finding]:
    given = [argument for argument in command.arguments if argument.name is None]
    if command.name in FEATURED:
        given = given[1:]
    forms = [form for form in known.forms if _count_fits(form, len(given))]
    if not forms:
        ways = " or ".join(f"({', '.join(in_words(kind.rstrip('+?')) for kind in form)})" for form in known.forms)
        message = f"{command.name} has {len(given)} arguments without a name; it takes {ways}"
        yield finding(command, "arguments", message)
        return
    faults = [_first_misfit(form, given) for form in forms]
    if all(fault is not None for fault in faults):
        argument, kind = next(fault for fault in faults if fault is not None)
        yield _wrong_value(command, argument, (kind,))


def _count_fits(form: tuple[str, ...], count: int) -> bool:
    least = sum(not kind.endswith("?") for kind in form)
    return least <= count and (count <= len(form) or any(kind.endswith("+") for kind in form))


def _first_misfit(form: tuple[str, ...], given: list[Argument]) -> tuple[Argument, str] | None:
    for i, argument in enumerate(given):
        kind = form[min(i, len(form) - 1)].rstrip("+?")
        if not fits(argument.value, kind):
            return argument, kind
    return None


def _check_keys(command: Command, known: Signature) -> Iterator[Finding]:
    seen: set[str] = set()
    for argument in command.arguments:
        if argument.name is None:
            continue
        if argument.name in seen:
            message = f"{argument.name!r} stands twice in {command.name}; the last one counts"
            yield finding(argument.place, "repeated-key", message, severity="warning")
        seen.add(argument.name)
        kinds = known.keys.get(argument.name)
        if kinds is None:
            yield _unknown_key(command, argument, known)
        elif not any(fits(argument.value, kind) for kind in kinds):
            yield _wrong_value(command, argument, kinds)


def _unknown_key(command: Command, argument: Argument, known: Signature) -> Finding:
    key = argument.name or ""
    near = nearest(key, known.keys)
    if near:
        changed = tuple(replace(each, name=near) if each is argument else each for each in command.arguments)
        right = format_command(replace(command, arguments=changed))
        message = f"{known.name} has no key {key!r}; the nearest is {near!r}"
        return finding(argument.place, "unknown-key", message, right)
    entry = owner(key)
    if entry is not None:
        right = f"{_call(entry)}{key}={format_value(argument.value)})"
        message = f"{known.name} has no key {key!r}; {entry.name} has"
        return finding(argument.place, "unknown-key", message, right, severity="warning")
    message = f"no public script gives {known.name} a key {key!r}"
    return finding(argument.place, "unknown-key", message, severity="warning")


def _wrong_value(command: Command, argument: Argument, kinds: tuple[str, ...]) -> Finding:
    what = argument.name or command.name
    mended = next((value for kind in kinds if (value := _mend(argument.value, kind)) is not None), None)
    near = None if mended is None else format_value(mended)
    wanted = f"{near!r}" if isinstance(mended, Word) and near else in_words("|".join(kinds))
    message = f"{what}: {wanted} is expected, not {format_value(argument.value)}"
    correction = None if mended is None else with_value(command, argument, mended)
    return finding(argument.value.place, "wrong-value", message, correction)


def _mend(value: Value, kind: str) -> Value | None:
    """The value of ``kind`` that was probably meant."""
    if kind == "text" and isinstance(value, Word):
        return Text(value.text.strip("“”„‟‘’«»"))  # noqa: RUF001 - quotes as word processors set them
    if kind in ("switch", "policy") and isinstance(value, Number) and value.plain in (0, 1):
        return Word("enabled" if value.plain else "disabled")
    if isinstance(value, Text) and fits(Number(value.text), kind):
        return Number(value.text)
    if kind.startswith("int:") and isinstance(value, Number):
        low, high = (int(part) for part in kind[4:].split("|")[0].split(".."))
        return Number(str(min(max(int(value.plain), low), high)))
    return _mend_word(value.text, kind) if isinstance(value, Word | Text) else None


def _mend_word(text: str, kind: str) -> Value | None:
    words = [word for word in kind.split("|") if "_" in word or word.isalpha()]
    if kind == "conversion":
        spelt_out = text.replace("2", "_to_", 1)  # bgr2rgb
        words = [spelt_out] if CONVERSION.match(spelt_out) else ["bgr_to_rgb", "yuv_to_rgb", "nv12_to_rgb"]
        text = spelt_out
    near = nearest(text, words)
    return Word(near) if near else None


def _check_versions(command: Command, known: Signature, around: Surroundings) -> Iterator[Finding]:
    yield from _gate(command, None, known.name, (known.since, known.until, known.instead), around)
    for argument in command.arguments:
        if argument.name is None or argument.name not in known.keys:
            continue
        name = argument.name
        gates = (known.key_since.get(name, ""), known.key_until.get(name, ""), known.key_instead.get(name, ""))
        yield from _gate(command, argument, f"{name!r} of {known.name}", gates, around)


def _gate(
    command: Command, argument: Argument | None, what: str, gates: tuple[str, str, str], around: Surroundings
) -> Iterator[Finding]:
    since, until, instead = gates
    message = ""
    if since and around.dfc and version_tuple(around.dfc) < version_tuple(since):
        message = f"{what} is not known from compilers before {since}; this one is {around.dfc}"
    elif (until or instead) and (not around.dfc or version_tuple(around.dfc) > version_tuple(until or "0")):
        old = f"is not known from compilers after {until}" if until else "is an old spelling"
        message = f"{what} {old}" + (f"; newer scripts write {instead}" if instead else "")
    if message:
        yield finding(argument.place if argument else command.place, "version", message, severity="warning")
