"""Chapter 1's panel: train again at another λ, and watch the dimensions go."""

from __future__ import annotations

import dataclasses
import html
import math
import threading
import time
import traceback
import weakref
from collections.abc import Callable
from typing import cast

import ipywidgets as widgets
import torch

from latentbook.core import one_thread
from latentbook.learning.dataset import Dataset
from latentbook.learning.models.autoencoder import Autoencoder
from latentbook.learning.progress import Progress
from latentbook.learning.recipes import least_volume
from latentbook.learning.recipes.least_volume import Run, Settings
from latentbook.learning.running import Callback, Moment
from latentbook.learning.train import History
from latentbook.press.panels.drawing import GREY, TEAL, widths_and_images

__all__ = ["RetrainingPanel", "retraining_panel"]

# Seconds between two pictures of a training that runs, and how much longer than itself a picture waits: slow ones come
# less often, and take a sixth of the time at most.
PAUSE, PATIENCE = 0.5, 5
# Stop is heard after so many steps, and after so many seconds of waiting for another panel.
EVERY, HEARD = 20, 0.2
# More examples than these are measured at the end only.
GLANCE = 1000
MOST_STEPS = 10_000
IMAGES = 10
# Steps of the slider of weights between two powers of ten, and of the slider of lifts.
LADDER, LIFTS = (1, 1.5, 2, 3, 5, 7), (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)

# A training seeds torch's one global generator: two at a time would take each other's numbers.
TRAINING = threading.Lock()
# Panels that train or wait for it. One that is made while another trains stops it: its cell was run again.
BUSY: weakref.WeakSet[RetrainingPanel] = weakref.WeakSet()


def retraining_panel(settings: Settings, data: tuple[Dataset, Dataset] | None = None) -> RetrainingPanel:
    """Return a form that trains the chapter's autoencoder again, at a weight that its reader chooses.

    A training runs beside the notebook, in a thread of the kernel with one thread of torch: other cells answer
    meanwhile, and so does Stop. (A click waits for a cell that runs.) What is shown at its end are the numbers of
    `least_volume.train`; they stay in the panel's `run`.

    Like every training of the book it seeds torch's global generator, and at its end puts back the state that it found.
    What a cell draws from that generator meanwhile comes therefore from the training's seed, and is forgotten at its
    end: the next draw is the one that would have come first. A seed set meanwhile is forgotten too. A cell that must
    not notice draws from a `torch.Generator` of its own, as the training does for its batches.

    Args:
        settings: Checked parameters; weight, lift, bound and number of steps are where the controls start. the
            sliders have round values around them.
        data: Training and test data, if others than the settings'; otherwise they are loaded by the first training.

    Returns:
        The panel, to be displayed; it has trained nothing yet.

    Chapter 1.
    """
    return RetrainingPanel(settings, data)


class RetrainingPanel(widgets.VBox):
    """The form of `retraining_panel`.

    Attributes:
        settings: What the form does not ask for.
        data: Training and test data, None before they are loaded.
        run: The last finished or stopped training, None before the first.
        thread: The training that runs or ran last, None before the first.
        lam: Slider of the penalty's weight.
        eta: Slider of the lift.
        lipschitz: Checkbox of the decoder's bound.
        steps: Field with the number of updates.
        train: Button that starts.
        stop: Button that stops.
        bar: Steps done.
        status: The same in words, with the terms.
        words: What came out, or what went wrong.
        picture: Widths and images.

    Chapter 1.
    """

    def __init__(self, settings: Settings, data: tuple[Dataset, Dataset] | None) -> None:
        self.settings, self.data = settings, data
        self.run: Run | None = None
        self.thread: threading.Thread | None = None
        self.stopping = threading.Event()
        for other in list(BUSY):
            other.stopping.set()
        self._controls(settings)
        self.bar = widgets.IntProgress(max=settings.steps, layout={"width": "230px"})
        self.status = widgets.HTML("Nothing trained yet.")
        self.words = widgets.HTML()
        self.picture = widgets.HTML(layout={"width": "100%"})
        rows = [[self.lam, self.eta], [self.steps, self.lipschitz, self.train, self.stop], [self.bar, self.status]]
        super().__init__([*map(_line, rows), self.words, self.picture], layout={"max_width": "800px"})

    def _controls(self, settings: Settings) -> None:
        wide, style = {"width": "380px", "max_width": "100%"}, {"description_width": "60px"}
        self.lam = widgets.SelectionSlider(
            options=_named(_weights(settings)),
            value=settings.lam,
            description="weight λ",
            tooltip="How much a smaller volume is worth",
            layout=wide,
            style=style,
        )
        self.eta = widgets.SelectionSlider(
            options=_named({*LIFTS, settings.eta}),
            value=settings.eta,
            description="lift η",
            tooltip="What is added to each width inside the penalty",
            disabled=settings.penalty != "volume",
            layout=wide,
            style=style,
        )
        self.steps = widgets.BoundedIntText(
            settings.steps,
            min=min(100, settings.steps),
            max=max(MOST_STEPS, settings.steps),
            step=100,
            description="steps",
            tooltip="Updates of the model",
            layout={"width": "160px"},
            style=style,
        )
        self.lipschitz = widgets.Checkbox(
            settings.lipschitz,
            description="Lipschitz decoder",
            tooltip="Whether the decoder stretches nothing",
            indent=False,
            layout={"width": "auto"},
        )
        self.train = widgets.Button(description="Train", icon="play", button_style="primary", layout={"width": "96px"})
        self.stop = widgets.Button(description="Stop", icon="stop", disabled=True, layout={"width": "96px"})
        self.train.on_click(lambda _: self.start())
        self.stop.on_click(lambda _: self.stopping.set())

    @property
    def chosen(self) -> Settings:
        """The settings that the form says."""
        return dataclasses.replace(
            self.settings,
            lam=self.lam.value,
            eta=self.eta.value,
            lipschitz=self.lipschitz.value,
            steps=self.steps.value,
        )

    def start(self) -> None:
        """Train what the form says, beside the notebook; nothing happens where a training runs."""
        if self.train.disabled:
            return
        self.stopping.clear()
        self.train.disabled, self.stop.disabled = True, False
        # The button that had the focus cannot keep it.
        self.stop.focus()
        # A daemon: a kernel that is shut down does not wait for it.
        self.thread = threading.Thread(target=self._work, args=(self.chosen,), name="retraining", daemon=True)
        self.thread.start()

    def _work(self, chosen: Settings) -> None:
        """Train and show, and whatever happens leave a panel that can train again."""
        self.bar.max, self.bar.value, self.bar.bar_style = chosen.steps, 0, ""
        self.status.value = "Waiting for another panel's training." if TRAINING.locked() else "Starting."
        BUSY.add(self)
        try:
            while not TRAINING.acquire(timeout=HEARD):
                if self.stopping.is_set():
                    self.status.value = "Stopped before it began."
                    return
            try:
                with one_thread():
                    self._train(chosen)
            finally:
                TRAINING.release()
        except Exception as error:
            self._say_error(error)
        finally:
            BUSY.discard(self)
            self.train.disabled, self.stop.disabled = False, True

    def _train(self, chosen: Settings) -> None:
        start = time.monotonic()
        training, test = self.data = self.data or least_volume.load_data(chosen)
        few = _some(training), _some(test)

        def look(moment: Moment) -> None:
            self._say_progress(moment.step, chosen.steps, History(dict(moment.terms), time.monotonic() - start))
            now = least_volume.measure(cast(Autoencoder, moment.model), History({}, 0.0), chosen.lam, *few)
            self._show(now, test, "So far")

        # A line of its own would land in whichever cell runs.
        silent = Progress(chosen.steps, shown=False)
        watch = _Watch(look, self.stopping)
        self.run = least_volume.train(chosen, data=self.data, callbacks=[watch], progress=silent)
        done = len(self.run.history.terms["reconstruction"])
        self.bar.bar_style = "success" if done == chosen.steps else "warning"
        self._say_progress(done, chosen.steps, self.run.history)
        self._show(self.run, test, "Trained" if done == chosen.steps else "Stopped")

    # ---- what is seen ----

    def _say_progress(self, done: int, steps: int, history: History) -> None:
        self.bar.value = done
        terms = " · ".join(f"{name} {float(values[-1]):.4f}" for name, values in history.terms.items())
        self.status.value = f"{done:,} of {steps:,} steps in {history.seconds:.0f} s · {terms}"

    def _show(self, run: Run, test: Dataset, when: str) -> None:
        images = test[least_volume.one_of_each(test, IMAGES)]
        with torch.no_grad():
            decoded = run.model.decode(run.model.encode(images))
        self.words.value = f"{when}, with λ = {run.lam:.2g}: {_outcome(run)}; test error {run.error:.2f}."
        rows = {"original": (images, GREY), "decoded": (decoded, TEAL)}
        alt = f"Latent widths, widest first, above {len(images)} test images and their reconstructions"
        self.picture.value = widths_and_images(run.std, run.dimensions, rows, alt)

    def _say_error(self, error: Exception) -> None:
        told = "".join(traceback.format_exception_only(error)).strip()
        self.bar.bar_style = "danger"
        self.status.value = "The training ended with an error."
        # What is shown would be taken for its result.
        self.picture.value = ""
        self.words.value = f'<b style="color:var(--jp-error-color1,#e03131)">{html.escape(told)}</b>'


def _outcome(run: Run) -> str:
    """Return what became of the code, in words."""
    if run.dimensions == 0:
        return "<b>no dimension</b> kept, every image becomes the mean"
    return f"<b>{run.dimensions} of {len(run.std)} dimensions</b> kept"


class _Watch(Callback):
    """Look at a training about twice a second, and stop it when told to."""

    every = EVERY

    def __init__(self, look: Callable[[Moment], None], stopping: threading.Event) -> None:
        self.look, self.stopping = look, stopping
        self.due = time.monotonic()

    def __call__(self, moment: Moment) -> bool:
        """Look if it is time."""
        start = time.monotonic()
        if start >= self.due and not self.stopping.is_set():
            was_training = moment.model.training
            # In training mode a forward pass moves the spectral norms on.
            moment.model.eval()
            self.look(moment)
            moment.model.train(was_training)
            end = time.monotonic()
            self.due = end + max(PAUSE, PATIENCE * (end - start))
        return self.stopping.is_set()


def _line(children: list[widgets.Widget]) -> widgets.Box:
    """Return controls side by side, or below each other where there is no room."""
    return widgets.Box(children, layout={"flex_flow": "row wrap", "align_items": "center", "grid_gap": "4px 16px"})


def _weights(settings: Settings) -> set[float]:
    """Return the chapter's weights, and round ones around and between them."""
    positive = [math.log10(lam) for lam in settings.lambdas if lam > 0]
    powers = range(math.floor(min(positive)), math.ceil(max(positive)) + 1)
    return {*settings.lambdas, *(float(f"{step}e{power}") for power in powers for step in LADDER)}


def _named(values: set[float]) -> list[tuple[str, float]]:
    """Return sorted options under the names that a reader would type."""
    return [(f"{value:g}", value) for value in sorted(values)]


def _some(data: Dataset) -> Dataset:
    """Return as many examples as can be measured in passing."""
    return data.subset(slice(GLANCE)) if len(data) > GLANCE else data
