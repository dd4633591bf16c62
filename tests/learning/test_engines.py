"""The plain engine: one part at a time, worked on where its return is asked for."""

from pathlib import Path

import pytest

from latentbook.learning import engines
from latentbook.learning.engines import Plain
from latentbook.learning.work import Order

PART = [{"lam": 0.0}]


@pytest.fixture
def plain(monkeypatch):
    """An engine, and what it has worked on."""
    seen = []
    monkeypatch.setattr(engines, "work", lambda order, part, expected: seen.append(part) or len(seen) > 1)
    return Plain(Order("mine", "latentbook.learning.recipes.isometry", "{}", 1, False, 1, "")), seen


def test_a_part_is_worked_on_when_its_return_is_asked_for(plain):
    engine, seen = plain
    assert (engine.slots(), engine.running()) == (1, 0)
    engine.submit(PART)
    assert engine.running() == 1
    assert not seen
    assert engine.returned() == [(PART, False)]
    assert engine.running() == 0
    engine.submit(PART)
    assert engine.returned() == [(PART, True)]


def test_what_a_run_took_changes_nothing_and_is_not_even_read(plain):
    engine, _ = plain
    engine.learn(Path("no such file"))
    assert engine.slots() == 1
    assert engine.note() == ""
