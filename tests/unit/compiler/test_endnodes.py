from __future__ import annotations

from pathlib import Path

import pytest

from hailstack.compiler.endnodes.plan import HeadPlan, cut
from hailstack.compiler.endnodes.proof import Proof, prove
from hailstack.compiler.endnodes.recognise import find_head
from hailstack.compiler.endnodes.tail import cut_tail
from hailstack.compiler.graph.model import Graph, load_graph
from head_networks import CASES, write_case


def proven(graph: Graph, plan: HeadPlan) -> Proof:
    return prove(graph, cut(graph, plan), cut_tail(graph, plan), plan)


def found_in(plan: HeadPlan, fact: str) -> object:
    value = getattr(plan, fact)
    if fact in ("ends", "alternatives"):
        return len(value)
    if fact == "anchors":
        return tuple(tuple((round(w, 3), round(h, 3)) for w, h in level) for level in value)
    return value


@pytest.mark.parametrize("name", CASES)
def test_the_head_is_read_and_the_cut_proven(tmp_path: Path, name: str) -> None:
    wanted = write_case(name, tmp_path / "net.onnx")
    graph = load_graph(tmp_path / "net.onnx")
    plan = find_head(graph)
    assert {fact: found_in(plan, fact) for fact in wanted} == wanted
    for cut_plan in (plan, *plan.alternatives):
        proof = proven(graph, cut_plan)
        assert proof.holds
        assert not proof.missing
