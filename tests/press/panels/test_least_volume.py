"""Chapter 1's panel without a kernel: what it trains is the recipe's, it stops, and it outlives an error."""

import contextlib
import dataclasses
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree

import pytest
import torch

from latentbook.learning.dataset import Dataset
from latentbook.learning.recipes import least_volume
from latentbook.press.panels.least_volume import EVERY, retraining_panel

BAR = "{http://www.w3.org/2000/svg}rect"


@pytest.fixture(autouse=True)
def _float32():
    torch.set_default_dtype(torch.float32)


@pytest.fixture(scope="module")
def smoke():
    chosen = least_volume.settings(scale="smoke", device="cpu", latent_dim=16)
    return chosen, least_volume.load_data(chosen)


@pytest.fixture
def panel(smoke):
    panel = retraining_panel(*smoke)
    yield panel
    panel.stop.click()
    finish(panel)


def finish(panel):
    if panel.thread is not None:
        panel.thread.join(120)
        assert not panel.thread.is_alive()


def wait_for(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def bars(panel):
    return [bar.get("class") for bar in ElementTree.fromstring(panel.picture.value).iter(BAR)]


def test_a_new_panel_has_trained_nothing(smoke, capsys, monkeypatch):
    monkeypatch.setattr(least_volume, "load_data", lambda *_: pytest.fail("loaded"))
    before, start = threading.active_count(), time.process_time()
    panel = retraining_panel(smoke[0])
    # Processor time: how long a busy machine takes says nothing.
    assert time.process_time() - start < 0.2
    assert threading.active_count() == before
    assert (panel.thread, panel.run, panel.picture.value) == (None, None, "")
    assert (panel.train.disabled, panel.stop.disabled) == (False, True)
    assert capsys.readouterr() == ("", "")


def test_the_controls_start_at_the_settings(smoke):
    chosen = dataclasses.replace(smoke[0], lam=0.0123, eta=7.5, lipschitz=False, steps=50)
    assert retraining_panel(chosen).chosen == chosen


@pytest.mark.parametrize("lam", [0.0, 0.0123, 0.03, 1.0])
def test_the_sliders_hold_what_they_start_with_under_the_name_that_a_reader_would_type(smoke, lam):
    panel = retraining_panel(dataclasses.replace(smoke[0], lam=lam, eta=0.25))
    assert panel.lam.options[panel.lam.index] == (f"{lam:g}", lam)
    assert panel.eta.options[panel.eta.index] == ("0.25", 0.25)
    for slider in (panel.lam, panel.eta):
        values = [value for _, value in slider.options]
        assert values == sorted(set(values))
        assert [name for name, _ in slider.options] == [f"{value:g}" for value in values]


@pytest.mark.parametrize("scale", ["book", "paper"])
def test_every_weight_and_length_of_the_chapter_can_be_chosen(scale):
    chosen = least_volume.settings(scale=scale, device="cpu")
    panel = retraining_panel(chosen)
    for lam in chosen.lambdas:
        panel.lam.value = lam
        assert panel.chosen == dataclasses.replace(chosen, lam=lam)


def test_the_lift_is_of_the_volume_penalty_alone():
    chosen = least_volume.settings(device="cpu", penalty="lasso")
    assert retraining_panel(chosen).eta.disabled


def test_a_training_is_the_recipe_s(panel, smoke, capsys):
    panel.lam.value, panel.eta.value, panel.lipschitz.value, panel.steps.value = 0.1, 0.5, False, 200
    panel.train.click()
    finish(panel)
    chosen = dataclasses.replace(smoke[0], lam=0.1, eta=0.5, lipschitz=False, steps=200)
    expected = least_volume.train(chosen, data=smoke[1])
    # Looking on changes nothing, to the last bit.
    assert panel.run.curve.equal(expected.curve)
    assert panel.run.std.equal(expected.std)
    assert (panel.bar.value, panel.bar.max, panel.bar.bar_style) == (200, 200, "success")
    assert panel.status.value.startswith("200 of 200 steps in ")
    for name, values in expected.history.terms.items():
        assert f"{name} {float(values[-1]):.4f}" in panel.status.value
    kept = f"<b>{expected.dimensions} of 16 dimensions</b> kept; test error {expected.error:.2f}."
    assert panel.words.value == f"Trained, with λ = 0.1: {kept}"
    assert bars(panel) == ["kept"] * expected.dimensions + ["given-up"] * (16 - expected.dimensions)
    assert capsys.readouterr() == ("", "")


def test_words_and_picture_change_while_it_trains(panel):
    panel.steps.value = 10_000
    panel.train.click()
    wait_for(lambda: panel.words.value.startswith("So far"))
    first, status = panel.picture.value, panel.status.value
    assert 0 < panel.bar.value < 10_000
    wait_for(lambda: panel.picture.value != first and panel.status.value != status)
    assert panel.thread.is_alive()


def test_stop_stops_and_shows_what_there_is(panel):
    panel.steps.value = 10_000
    panel.train.click()
    assert (panel.train.disabled, panel.stop.disabled) == (True, False)
    wait_for(lambda: panel.bar.value)
    panel.stop.click()
    finish(panel)
    done = len(panel.run.history.terms["penalty"])
    assert done == panel.bar.value < 10_000
    assert done % EVERY == 0
    assert panel.words.value.startswith("Stopped, ")
    assert (panel.train.disabled, panel.stop.disabled) == (False, True)
    assert not panel.run.model.training
    panel.steps.value = 100
    panel.train.click()
    finish(panel)
    assert panel.bar.value == 100


def test_nothing_is_said_outside_the_panel(panel, monkeypatch, capsys):
    """Where the training's own line would be seen: on a terminal."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    panel.steps.value = 100
    panel.train.click()
    finish(panel)
    assert capsys.readouterr() == ("", "")


def test_a_second_click_while_it_trains_is_ignored(panel):
    panel.steps.value = 10_000
    panel.train.click()
    thread, count = panel.thread, threading.active_count()
    panel.train.click()
    assert panel.thread is thread
    assert threading.active_count() == count


def test_two_trainings_one_after_the_other(panel, smoke):
    panel.steps.value = 100
    found = []
    for lam in (0.3, 0.003):
        panel.lam.value = lam
        panel.train.click()
        finish(panel)
        found.append(panel.picture.value)
        expected = least_volume.train(dataclasses.replace(smoke[0], lam=lam, steps=100), data=smoke[1])
        assert panel.run.curve.equal(expected.curve)
    assert found[0] != found[1]


def test_two_panels_do_not_take_each_other_s_numbers(panel, smoke):
    other = retraining_panel(*smoke)
    for each in (panel, other):
        each.steps.value = 100
        each.train.click()
    finish(panel)
    finish(other)
    assert panel.run.curve.equal(other.run.curve)


def test_a_panel_that_waits_can_be_stopped(panel, smoke):
    other = retraining_panel(*smoke)
    panel.steps.value = 10_000
    panel.train.click()
    wait_for(lambda: panel.words.value.startswith("So far"))
    other.train.click()
    wait_for(lambda: "Waiting" in other.status.value)
    other.stop.click()
    finish(other)
    assert other.status.value == "Stopped before it began."
    assert other.run is None
    assert panel.thread.is_alive()


def test_a_cell_that_runs_again_stops_the_training_that_is_out_of_view(panel, smoke):
    panel.steps.value = 10_000
    panel.train.click()
    wait_for(lambda: panel.words.value.startswith("So far"))
    retraining_panel(*smoke)
    finish(panel)
    assert panel.words.value.startswith("Stopped")


def test_an_error_is_shown_and_the_button_works_again(panel, monkeypatch, capsys):
    panel.steps.value = 100
    with monkeypatch.context() as broken:
        broken.setattr(least_volume, "train", lambda *_, **__: 1 / 0)
        panel.train.click()
        finish(panel)
    assert "ZeroDivisionError: division by zero" in panel.words.value
    assert (panel.train.disabled, panel.stop.disabled, panel.bar.bar_style) == (False, True, "danger")
    assert capsys.readouterr() == ("", "")
    panel.train.click()
    finish(panel)
    assert panel.words.value.startswith("Trained")
    assert panel.bar.bar_style == "success"


def test_an_error_is_text(panel, monkeypatch):
    def fail(*_, **__):
        raise ValueError("<img src=x>")

    monkeypatch.setattr(least_volume, "train", fail)
    panel.train.click()
    finish(panel)
    assert "ValueError: &lt;img src=x&gt;" in panel.words.value


def test_data_are_loaded_by_the_first_training_alone(smoke, monkeypatch):
    loaded = []
    monkeypatch.setattr(least_volume, "load_data", lambda chosen: loaded.append(chosen) or smoke[1])
    panel = retraining_panel(dataclasses.replace(smoke[0], steps=20))
    for _ in range(2):
        panel.train.click()
        finish(panel)
    assert len(loaded) == 1


def test_the_caller_s_threads_and_generator_are_as_before(panel):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    panel.steps.value = 100
    with threads(2):
        panel.train.click()
        finish(panel)
        later = []
        thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
        thread.start()
        thread.join()
        assert (torch.get_num_threads(), later) == (2, [2])
    assert torch.rand(2).equal(expected)


def test_it_computes_with_one_thread_of_torch(panel, monkeypatch):
    used = []
    monkeypatch.setattr(least_volume, "train", lambda *_, **__: used.append(torch.get_num_threads()) or 1 / 0)
    with threads(2):
        panel.train.click()
        finish(panel)
    assert used == [1]


@contextlib.contextmanager
def threads(count):
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    yield
    torch.set_num_threads(before)


def test_a_collapse_is_said(panel):
    panel.lam.value, panel.steps.value = 1.0, 300
    panel.train.click()
    finish(panel)
    assert panel.run.dimensions == 0
    assert "<b>no dimension</b> kept" in panel.words.value
    assert set(bars(panel)) == {"given-up"}


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 8)])
def test_data_without_labels_are_shown_too(smoke, shape):
    """A reader's own images, fewer than ten of them to test on."""
    data = Dataset(torch.rand(1200, *shape)), Dataset(torch.rand(4, *shape))
    panel = retraining_panel(dataclasses.replace(smoke[0], steps=20), data)
    panel.train.click()
    finish(panel)
    assert panel.words.value.startswith("Trained")
    assert panel.picture.value.count("<image") == 8
