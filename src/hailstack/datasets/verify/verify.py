"""Looking through a whole dataset for damage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hailstack.datasets.verify.balance import balance_findings, count_boxes
from hailstack.datasets.verify.boxes import box_findings, class_findings, mixed_findings
from hailstack.datasets.verify.copies import copy_findings
from hailstack.datasets.verify.finding import Finding
from hailstack.datasets.verify.pictures import Depth, look_at
from hailstack.datasets.verify.rules import RULES, SEVERITIES
from hailstack.datasets.verify.survey import Listener, Survey
from hailstack.datasets.verify.surveying import survey
from hailstack.datasets.verify.twins import twin_findings


@dataclass(frozen=True, slots=True)
class Verification:
    """What was looked at, and what was found."""

    survey: Survey
    findings: tuple[Finding, ...]
    """By severity, kind, file and line."""
    depth: Depth
    """How far pictures were looked into."""

    @property
    def counts(self) -> Mapping[str, int]:
        """Severity → findings."""
        found = Counter(finding.severity for finding in self.findings)
        return {severity: found[severity] for severity in SEVERITIES}

    def passes(self, *, strict: bool = False) -> bool:
        """Whether there is no error and no warning; ``strict``: no note either."""
        return not any(finding.severity != "note" or strict for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Everything, for programs."""
        found = Counter(finding.code for finding in self.findings)
        return {
            "dataset": str(self.survey.source),
            "kind": self.survey.kind,
            "pictures": len(self.survey.pictures),
            "labels": len(self.survey.labels),
            "boxes": len(self.survey.rows),
            "names": {str(class_id): name for class_id, name in self.survey.names.items()},
            "boxes_by_class": {
                split: {str(class_id): count for class_id, count in counts.items()}
                for split, counts in count_boxes(self.survey).items()
            },
            "looked_into_pictures": self.depth,
            "passed": self.passes(),
            "counts": self.counts,
            "kinds": {
                code: {"count": found[code], "severity": rule.severity, "what": rule.what, "remedy": rule.remedy}
                for code, rule in RULES.items()
                if found[code]
            },
            "findings": [finding.to_json() for finding in self.findings],
        }


def verify(
    path: Path,
    *,
    depth: Depth = "whole",
    ignore: Collection[str] = (),
    progress: Listener = lambda stage, done, total: None,
) -> Verification:
    """All damage in a dataset: YOLO (``data.yaml``, or a folder), COCO (JSON) or VOC (a folder with ``Annotations``).

    Args:
        depth: how far pictures are looked into; ``none`` takes seconds for 100,000 labels.
        ignore: kinds of findings, of :data:`~hailstack.datasets.verify.rules.RULES`, that do not count here.
        progress: called with what is being done, how much is done, and of how much.

    Raises:
        NotFoundError: there is nothing at the path.
        ConfigError: it is no dataset of these formats.
        MissingExtraError: PyYAML or Pillow is not installed.
    """
    found = survey(path, progress)
    findings = [*found.findings, *_label_findings(found), *_picture_findings(found, depth, progress)]
    order = {code: (SEVERITIES.index(rule.severity), place) for place, (code, rule) in enumerate(RULES.items())}
    kept = [finding for finding in findings if finding.code not in ignore]
    kept.sort(key=lambda one: (*order[one.code], str(one.path), one.line or 0, one.message))
    return Verification(found, tuple(kept), depth)


def _label_findings(found: Survey) -> Iterator[Finding]:
    yield from box_findings(found)
    yield from class_findings(found)
    yield from mixed_findings(found)
    yield from twin_findings(found)
    yield from balance_findings(found)


def _picture_findings(found: Survey, depth: Depth, progress: Listener) -> Iterator[Finding]:
    looks = look_at(found.pictures, depth, progress)
    for look in looks:
        yield from look.findings
    if depth == "whole":
        yield from copy_findings(found.pictures, [look.fingerprint for look in looks], found.splits)
