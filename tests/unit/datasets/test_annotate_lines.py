"""Edits of label lines, and how two people's come together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailstack.datasets.annotate.lines import Conflict, Edit, Sheet, join_lines, merge, problem, split_lines

A, B, C, D = (f"{number} 0.5 0.5 0.1 0.1" for number in range(4))
some_lines = st.lists(st.sampled_from((A, B, C, D)), max_size=6)


def edited(lines, *edits, keep=True):
    sheet = Sheet(lines)
    conflicts = sheet.apply([Edit(*edit) for edit in edits], keep=keep)
    return sheet.lines, conflicts


def test_lines_are_added_at_the_end_changed_in_place_and_removed():
    assert edited([A, B], (None, C)) == ([A, B, C], ())
    assert edited([A, B], (A, C)) == ([C, B], ())
    assert edited([A, B], (A, None)) == ([B], ())


@given(some_lines, some_lines)
def test_edits_that_arrive_twice_do_no_harm(lines, added):
    edits = [Edit(None, line) for line in added] + [Edit(A, D), Edit(B, None)]
    once, twice = Sheet(list(dict.fromkeys(lines))), Sheet(list(dict.fromkeys(lines)))
    once.apply(edits[: len(added)])
    twice.apply(edits[: len(added)])
    twice.apply(edits[: len(added)])
    assert once.lines == twice.lines


def test_a_change_that_is_sent_again_after_others_went_on_from_it_is_known():
    sheet = Sheet([A])
    sheet.apply([Edit(A, B)])
    sheet.apply([Edit(B, C)])
    assert sheet.apply([Edit(A, B)]) == ()
    assert sheet.lines == [C]


def test_of_two_changes_to_one_line_both_are_kept_and_the_second_is_told():
    sheet = Sheet([A])
    sheet.apply([Edit(A, B)])
    assert sheet.apply([Edit(A, C)]) == (Conflict(A, C, B),)
    assert sheet.lines == [B, C]


def test_a_line_that_somebody_removed_is_kept_for_who_changed_it():
    sheet = Sheet([A])
    sheet.apply([Edit(A, None)])
    assert sheet.apply([Edit(A, B)]) == (Conflict(A, B, None),)
    assert sheet.lines == [B]


def test_a_line_that_somebody_changed_is_not_removed_unseen():
    sheet = Sheet([A])
    sheet.apply([Edit(A, B)])
    assert sheet.apply([Edit(A, None)]) == (Conflict(A, None, B),)
    assert sheet.lines == [B]


def test_taking_back_leaves_alone_what_others_did_since():
    sheet = Sheet([A])
    sheet.apply([Edit(A, B)])
    sheet.apply([Edit(B, C)])
    assert sheet.apply([Edit(B, A)], keep=False) == ()
    assert sheet.lines == [C]


@given(some_lines, some_lines)
def test_merging_with_no_change_gives_the_other_side(base, mine):
    assert sorted(merge(base, mine, base)) == sorted(mine)
    assert sorted(merge(base, base, mine)) == sorted(mine)
    assert list(merge(base, mine, mine)) == mine


@given(some_lines, some_lines, some_lines)
def test_merging_loses_no_added_line(base, mine, theirs):
    merged = merge(base, mine, theirs)
    for line in (A, B, C, D):
        if max(mine.count(line), theirs.count(line)) > base.count(line):
            assert line in merged


@given(some_lines)
def test_the_text_of_a_label_file_is_its_lines(lines):
    assert list(split_lines(join_lines(lines))) == lines


def test_what_surrounds_lines_is_left_out_and_what_is_in_them_is_kept():
    assert split_lines("\ufeff 0 .5 .5 .1 .1 \r\n\n nonsense\n".removeprefix("\ufeff")) == (
        "0 .5 .5 .1 .1",
        "nonsense",
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0 0.5 0.5 0.1 0.1", ""),
        ("3 0.1 0.1 0.9 0.1 0.5 0.9", ""),
        ("1.0 0.98 0.5 0.3 0", ""),
        ("-1 0.5 0.5 0.1 0.1", "class"),
        ("1.5 0.5 0.5 0.1 0.1", "class"),
        ("nan 0.5 0.5 0.1 0.1", "class"),
        ("10000 0.5 0.5 0.1 0.1", "class"),
        ("0 nan 0.5 0.1 0.1", "finite"),
        ("0 0.5 0.5 0.1", "fewer"),
        ("0 a b c d", "numbers"),
        ("", "numbers"),
        ("0 " + "0.5 " * 10_000, "longer"),
    ],
)
def test_a_line_that_cannot_stand_in_a_label_file_is_named(line, reason):
    assert (reason in problem(line)) if reason else problem(line) == ""
