"""Reading and formatting model scripts."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailstack.compiler.script import ChipLayer, format_script, interpret, lint, parse_script, scan_script
from hailstack.compiler.script.syntax import (
    Argument,
    Blank,
    Command,
    Comment,
    Glob,
    Items,
    Number,
    Script,
    Text,
    Unreadable,
    Word,
)
from hailstack.compiler.script.vocabulary import signatures
from hailstack.errors import ConfigError

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
WORDS = NAMES | st.builds("{}/{}".format, NAMES, NAMES) | st.sampled_from(["net_1.6gf/conv1", "8bit", "a-b", "None"])
LINES = st.text(st.characters(exclude_categories=("C", "Z")) | st.just(" "), max_size=12).map(str.rstrip)
VALUES = st.recursive(
    st.builds(Word, WORDS)
    | st.builds(Number, st.sampled_from(["0", "-1", "0.", ".5", "1e-5", "255.0", "+3"]))
    | st.builds(Text, st.sampled_from(["a b.json", "", "it's", 'say "x"', "#no comment", "a(b"]))
    | st.builds(Glob, st.sampled_from(["conv*", "conv[0-9]*", "*", "dw1, dw2"])),
    lambda inner: st.builds(Items, st.lists(inner, max_size=3).map(tuple)),
    max_leaves=6,
)
ARGUMENTS = st.builds(Argument, st.none() | NAMES, VALUES)
COMMANDS = st.builds(
    Command,
    NAMES,
    st.lists(ARGUMENTS, max_size=4).map(tuple),
    st.lists(WORDS, max_size=3).map(tuple),
    st.just("") | NAMES,
    LINES,
)
SCRIPTS = st.builds(Script, st.lists(COMMANDS | st.builds(Comment, LINES) | st.just(Blank()), max_size=6).map(tuple))


@given(SCRIPTS)
def test_a_formatted_script_reads_back_equal(script: Script) -> None:
    assert parse_script(format_script(script)) == script


KNOWN = st.sampled_from(sorted({word for name in signatures() for word in name.split()}))
LIKELY = st.builds(
    Command,
    KNOWN,
    st.lists(
        st.builds(Argument, st.none() | KNOWN | st.sampled_from(["policy", "layers", "meta_arch"]), VALUES)
        | st.builds(Argument, st.none(), st.builds(Word, KNOWN)),
        max_size=4,
    ).map(tuple),
)


@given(st.lists(LIKELY, max_size=5).map(tuple), st.booleans())
def test_no_command_breaks_the_linter_or_its_reading(commands: tuple[Command, ...], network: bool) -> None:
    script = Script(commands)
    layers = [ChipLayer("net/a", "concat", 3, "linear", ("net/b",)), ChipLayer("net/b")] if network else None
    lint(script, layers=layers, dfc="3.30", gpu=False, calibration_images=3, calibration_top=1.0, folder=Path("/"))
    with suppress(ConfigError):
        interpret(script, layers or ())


@given(st.text(alphabet='ab1.=,()[]{}"# \n', max_size=60))
def test_no_text_breaks_the_reader_and_formatting_settles(text: str) -> None:
    once = format_script(scan_script(text))
    assert format_script(scan_script(once)) == once


def one(text: str) -> Command:
    (command,) = parse_script(text).commands
    return command


def test_a_command_has_results_arguments_keys_and_a_place() -> None:
    command = one("\n  a, net/b = resize(input_layer1, resize_shapes=[720, 1280.0], mode='x')  # why\n")
    assert command.results == ("a", "net/b")
    assert [value.plain for value in command.args] == ["input_layer1"]
    assert command.kwargs["resize_shapes"].plain == [720, 1280.0]
    assert (command.line, command.place.column, command.remark) == (2, 3, " why")


def test_a_command_of_a_context_knows_it() -> None:
    command = one("context_0.place(3, [conv1, conv2_d0-1])")
    assert (command.scope, command.name) == ("context_0", "place")


def test_arguments_may_go_over_lines_and_their_comments_move_in_front() -> None:
    script = parse_script("finetune(a,  # first\n   b=[1,\n 2])\n")
    assert format_script(script) == "# first\nfinetune(a, b=[1, 2])\n"


def test_blocks_of_layers_stand_in_front_of_a_command() -> None:
    command = one("{ a: [b, c] } = defuse_block(matmul1, defuse_count=2)")
    assert command.results == ("{ a: [b, c] }",)


@pytest.mark.parametrize(
    ("text", "line", "column", "says", "correction"),
    [
        ("x(1)\nenable_loose_mode\n", 2, 1, "without parentheses", "enable_loose_mode()"),
        ("place(1, [a])) # x", 1, 14, "too much", "place(1, [a])"),
        ("place(1, [a]\nx()", 2, 1, "')' is missing", "place(1, [a])"),
        ("a(1 2)", 1, 5, "',' or ')' is expected", ""),
        ("a(b=)", 1, 5, "a value is expected", ""),
        ("= a()", 1, 1, "a command is expected", ""),
        ("a(1,\n  2", 2, 4, "')' is missing", "a(1,\n  2)"),
    ],
)
def test_what_is_no_command_is_refused_with_its_place(
    text: str, line: int, column: int, says: str, correction: str
) -> None:
    (found,) = scan_script(text).unreadable
    assert (found.place.line, found.place.column) == (line, column)
    assert says in found.message
    assert found.correction == correction
    with pytest.raises(ConfigError, match=f"my.alls:{line}:{column}: "):
        parse_script(text, "my.alls")


def test_reading_goes_on_behind_a_broken_command() -> None:
    lines = scan_script("a(1, [2\nb(3)\n)\nc()\n").lines
    assert [type(line) for line in lines] == [Unreadable, Command, Unreadable, Command]


def test_bom_tabs_and_carriage_returns_are_spaces() -> None:
    assert one("\ufeffa(1,\t2)\r\n").args == (Number("1"), Number("2"))


def test_numbers_and_words_are_what_python_has() -> None:
    values = one("a(1, 1., 1e-3, True, false, None, null, conv1, {c*}, [2, [x]])").args
    expected = [1, 1.0, 1e-3, True, False, None, "null", "conv1", "{c*}", [2, ["x"]]]
    assert [value.plain for value in values] == expected
