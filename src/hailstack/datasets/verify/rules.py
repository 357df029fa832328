"""The kinds of damage that are looked for, by the names that programs may rely on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, TypeAlias

from hailstack.errors import InputError

Severity: TypeAlias = Literal["error", "warning", "note"]
"""``error``: training on it goes wrong or stops. ``warning``: it costs accuracy, or makes figures look better than
they are. ``note``: worth knowing; nothing may be wrong."""
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of damage."""

    severity: Severity
    what: str
    """What is wrong, for the heading above all findings of this kind."""
    remedy: str
    """What to do."""


def _error(what: str, remedy: str) -> Rule:
    return Rule("error", what, remedy)


def _warning(what: str, remedy: str) -> Rule:
    return Rule("warning", what, remedy)


def _note(what: str, remedy: str) -> Rule:
    return Rule("note", what, remedy)


RULES: Mapping[str, Rule] = {
    # the dataset's own file, and what it names
    "file-syntax": _error("a file of the dataset cannot be read as what it is", "mend it at the line that is named"),
    "key-twice": _error("a key is there twice; readers take the last one", "take one of the two out"),
    "names-missing": _warning("nothing says what the classes are", "add names to data.yaml"),
    "names-gap": _error("class ids leave gaps", "number the classes from 0 on; trainers refuse anything else"),
    "names-twice": _warning("two classes have the same name", "rename one, or make them one class"),
    "nc-mismatch": _error("nc is not the number of names", "correct nc, or take it out: the names say it"),
    "split-missing": _error("a split names what is not there", "correct the path in data.yaml"),
    "split-empty": _error("a split has no pictures", "add pictures, or take the split out of data.yaml"),
    "split-no-val": _warning("no split is there to validate with", "hailstack data split"),
    "split-overlap": _error("a picture is in two splits", "leave it in one: hailstack data split"),
    "list-missing": _error("a list names a picture that is not there", "correct the line, or take it out"),
    "list-twice": _warning("a list names a picture twice", "take one of the lines out"),
    # pictures and their labels, by their names
    "label-missing": _warning("nobody has labelled a picture", "label it: hailstack data annotate; or move it out"),
    "label-orphan": _warning("a label has no picture", "bring the picture back, or delete the label"),
    "label-empty": _note("an empty label: a picture with nothing in it", "nothing, if that is meant"),
    "picture-unlisted": _note("a labelled picture is in no split", "hailstack data split deals it to one"),
    "name-collision": _error("pictures share one label, as their names differ in the ending alone", "rename them"),
    "name-case": _warning("names differ in capitals alone", "rename one: on other file systems they are one file"),
    "link-broken": _error("a link points to nothing", "bring its target back, or delete the link"),
    "picture-format": _warning("a picture of a format that is not read", "convert it to JPEG or PNG"),
    # the text of labels
    "text-unreadable": _error("a label file cannot be read", "make it readable, or write it anew"),
    "text-encoding": _error("a label file is not plain text in UTF-8", "save it as UTF-8"),
    "text-bom": _warning("a label file begins with a byte order mark", "--fix; some readers fail at its first line"),
    "text-line-ends": _note("a label file has line ends of another system", "--fix"),
    "line-fields": _error("a line has a wrong count of numbers", "a box is: class cx cy w h"),
    "line-number": _error("a line is no row of numbers", "a box is: class cx cy w h"),
    "line-not-finite": _error("a line has a number that is not finite", "draw the box anew"),
    "line-pixels": _error("pixels in place of shares", "divide x and w by the picture's width, y and h by its height"),
    "line-duplicate": _warning("a line is there twice", "--fix drops the second"),
    "line-mixed": _warning("outlines among boxes", "write all as boxes, or all as outlines: trainers take one kind"),
    # classes
    "class-fraction": _error("a class is no whole number", "the first number of a line is the class, from 0 on"),
    "class-negative": _error("a class below 0", "classes count from 0"),
    "class-unknown": _error("a class that has no name", "add the name, or correct the class"),
    "class-unused": _warning("a class is never used", "label some, or take it out of the names"),
    "class-not-in-train": _warning("a class is in another split, but not in train", "hailstack data split"),
    "class-not-in-val": _warning("a class is in train, but not in val", "hailstack data split"),
    "class-imbalance": _note("some classes are very rare", "collect or label more of them"),
    # boxes
    "box-inverted": _error("a box of negative size", "draw it anew"),
    "box-zero": _error("a box without area", "delete it, or draw it anew"),
    "box-centre-outside": _error("the centre of a box is outside the picture", "draw it anew"),
    "box-edge-outside": _warning("a box reaches beyond the picture", "cut it; --fix does where it is rounding"),
    "box-tiny": _warning("a box too small to be learned", "delete it, or draw it anew"),
    "box-near-identical": _warning("two boxes of a class are nearly the same", "delete one of them"),
    "box-two-classes": _warning("one box has two classes", "delete the wrong one"),
    # what is in picture files
    "picture-missing": _error("a picture that the labels name is not there", "bring it back, or delete its labels"),
    "picture-unreadable": _error("a picture that no reader opens", "replace it, or move it and its label out"),
    "picture-damaged": _error("a picture is cut off or garbled", "replace it, or move it and its label out"),
    "picture-rotated": _warning(
        "a picture is shown turned (EXIF)", "see which way its boxes fit, and turn the pixels"
    ),
    "picture-suffix": _warning("a picture is of another format than its name says", "rename it, or convert it"),
    "picture-size": _error(
        "a picture is not as large as its label says", "correct the size, or bring its picture back"
    ),
    "picture-duplicate": _warning("a picture is there twice", "delete one with its label"),
    "picture-alike": _note("pictures that are nearly the same", "keep them in one split; frames far apart teach more"),
    "leak-exact": _error("a picture is in two splits under two names", "delete one: hailstack data split"),
    "leak-alike": _warning(
        "a picture like one of another split", "keep them together: hailstack data split --group looks"
    ),
    # what COCO and VOC have beside
    "id-twice": _error("an id is there twice", "number them anew"),
    "id-unknown": _error("an annotation of a picture or class that is not there", "correct it, or take it out"),
    "file-name-wrong": _warning("a label names another picture than its own name says", "correct it, or rename it"),
}


def check_codes(codes: Iterable[str]) -> frozenset[str]:
    """The names of kinds as given.

    Raises:
        InputError: there is no such kind; the message names the nearest.
    """
    given = frozenset(codes)
    for code in sorted(given - set(RULES)):
        near = get_close_matches(code, RULES, 1)
        hint = f"; is {near[0]} meant?" if near else f"; there are {', '.join(sorted(RULES))}"
        message = f"{code!r} is no kind of finding{hint}"
        raise InputError(message)
    return given
