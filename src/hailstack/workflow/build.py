"""From photos to a checked HEF: all steps of a plan in order, and the page that shows what came out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hailstack.errors import CheckFailedError
from hailstack.files import locked
from hailstack.workflow.carry_out import Carried, Outlook, carry_out, look
from hailstack.workflow.page import write_page
from hailstack.workflow.plan import BuildPlan
from hailstack.workflow.road import REFUSED, Road
from hailstack.workflow.step import Listener, Step

BUSY = "another build is at work here; wait for it, or give this one another output"


@dataclass(frozen=True, slots=True)
class Built:
    """What a build left."""

    hef: Path
    page: Path
    steps: tuple[Carried, ...]


def build(
    plan: BuildPlan,
    *,
    begin: Callable[[Step, Outlook], None] = lambda step, outlook: None,
    listener: Listener = lambda stage, done, total: None,
    end: Callable[[Carried], None] = lambda carried: None,
) -> Built:
    """Carry out a plan; steps in which nothing is new are left as they are.

    Interrupted anywhere, even killed, the same call goes on; the outcome is that of one that was not.

    Args:
        begin: told before each step.
        listener: told how far a step is.
        end: told of each step that is done.

    Raises:
        CheckFailedError: labels are damaged, or the outcome is not what the plan demands. Everything up to there lies
            in the plan's output, and the page says it.
        HailstackError: of a step; what was done before stays.
    """
    road, done = Road(plan), list[Carried]()
    page = plan.output / "index.html"
    with locked(plan.output, BUSY):
        for step in road.steps():
            done.append(carry_out(plan.output, step, listener, begin))
            end(done[-1])
            write_page(plan, done, page)
            if refusal := done[-1].record.figures.get(REFUSED):
                raise CheckFailedError(refusal)
    return Built(road.hef, page, tuple(done))


def preview(plan: BuildPlan) -> Iterator[tuple[Step, Outlook | None]]:
    """What a build would do; None for steps that depend on others which have to be done first. Nothing is touched."""
    is_known = True
    for step in Road(plan).steps():
        outlook = look(plan.output, step) if is_known else None
        yield step, outlook
        # What verification says changes nothing of what comes after it.
        is_known = is_known and (outlook is None or outlook.reason == "fresh" or step.name == "verify")
