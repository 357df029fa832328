"""What became of a calibration set, for people and programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hailstack.compiler.calibration.choose import Choice
from hailstack.compiler.calibration.findings import Finding
from hailstack.compiler.calibration.score import Scores
from hailstack.compiler.calibration.sources import Picture
from hailstack.compiler.calibration.survey import Survey
from hailstack.imaging import Preprocess


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationReport:
    """One set, written or only looked at."""

    preprocess: Preprocess
    count: int
    """Pictures in the set."""
    findings: tuple[Finding, ...]
    seen: Survey | None = None
    """All that was looked at; None where the frames are no pictures."""
    choice: Choice = field(default_factory=Choice)
    """Which rows of :attr:`seen` are in the set."""
    scores: Scores | None = None
    output: Path | None = None
    digest: str | None = None
    """sha256 of the frames, if they were written."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Stage → how long it took."""
    size_bytes: int = 0

    @property
    def is_sound(self) -> bool:
        """Whether nothing speaks against compiling with it."""
        return all(finding.severity != "error" for finding in self.findings)

    @property
    def candidates(self) -> int:
        """Pictures that it was chosen from."""
        return self.count if self.seen is None else len(self.seen)

    @property
    def blank(self) -> int:
        """Blank pictures among them."""
        return 0 if self.seen is None else int(self.seen.blank.sum())

    @property
    def skipped(self) -> tuple[str, ...]:
        """What could not be read, each with the reason."""
        return () if self.seen is None else self.seen.skipped

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The set's, in order."""
        return () if self.seen is None else tuple(self.seen.pictures[row] for row in self.choice.rows)

    def to_json(self) -> dict[str, object]:
        """The same in plain values, without descriptors."""
        return {
            "output": None if self.output is None else str(self.output),
            "count": self.count,
            "candidates": self.candidates,
            "duplicates": self.choice.duplicates,
            "blank": self.blank,
            "skipped": list(self.skipped),
            "preprocess": self.preprocess.to_dict(),
            "scores": None if self.scores is None else asdict(self.scores),
            "findings": [asdict(finding) for finding in self.findings],
            "pictures": [picture.name for picture in self.pictures],
            "digest": self.digest,
            "seconds": dict(self.seconds),
            "size_bytes": self.size_bytes,
        }
