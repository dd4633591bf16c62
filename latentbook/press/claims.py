"""Claims: every number that the book asserts, with the band it must fall in and where the band comes from."""

from __future__ import annotations

import functools
import html
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, SupportsFloat

import yaml
from nbformat import NotebookNode

import latentbook
from latentbook.press.notebooks import defaults, read
from latentbook.press.numbers import in_figures

__all__ = ["Claim", "Finding", "claim", "find", "finding", "held_at", "load", "record", "rows"]

# An entry of the claims file that is no claim: the parameters, by chapter, at which bands hold.
HELD_AT = "parameters"
# Parameters that a band is set for, or that it does not depend on; all others must be as published for it to hold.
BANDED = ("scale", "dataset", "device")
# Significant figures of a value: those that are read at a glance, and those that double precision can vouch for.
FIGURES, MOST_FIGURES = 3, 12


@dataclass(frozen=True)
class Claim:
    """One entry of ``book/claims.yml``.

    Attributes:
        name: What `claim` calls it.
        chapter: The chapter that measures it.
        sentence: What is asserted.
        unit: Of the value; may be empty.
        source: Where the band comes from: a paper, a closed form, the book's own repeated measurement.
        bands: Lowest and highest value allowed, by scale and data set, at default parameters; infinite where a claim
            is about one side only.
    """

    name: str
    chapter: str
    sentence: str
    unit: str
    source: str
    bands: Mapping[str, Mapping[str, tuple[float, float]]]


@dataclass(frozen=True)
class Finding:
    """A claim beside what was measured.

    Attributes:
        claim: The entry.
        value: What was measured; None if the chapter did not say.
        band: What is allowed; None if no band is set for this run.
        verdict: ``"inside"``, ``"outside"``, ``"missing"``, ``"unlisted"`` or ``"no band"``.
        remark: Why there is no band; may be empty.
    """

    claim: Claim
    value: float | None
    band: tuple[float, float] | None
    verdict: str
    remark: str = ""


def claim(name: str, value: SupportsFloat) -> None:
    """Display one claim with the value just measured, and put both in the output's metadata.

    Args:
        name: A name in ``book/claims.yml``.
        value: A finite number, or nan where it is undefined: what has collapsed has no correlation. That is outside of
            every band.

    Raises:
        ValueError: If the name is not listed, or the value is infinite.
        TypeError: If the value is no number.

    All chapters.
    """
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    number = _number(name, value)
    file = _claims_file()
    entry = find(load(file), name)
    shell = get_ipython()
    # A chapter's parameters are plain names in the notebook.
    seen = finding(entry, number, **_run_of(file.with_name(f"{entry.chapter}.ipynb"), shell.user_ns if shell else {}))
    metadata = {"latentbook": {"claim": name, "value": None if math.isnan(number) else number}}
    display({"text/html": row_html(seen), "text/plain": row_text(seen)}, raw=True, metadata=metadata)


def load(path: Path | None = None) -> dict[str, Claim]:
    """Read the claims of the book.

    Args:
        path: The file; by default ``claims.yml`` of the book that the working folder, or else the package, belongs to.

    Returns:
        Claims by name.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If an entry lacks something, or a band is not ``[low, high]``.
    """
    file = path or _claims_file()
    return {name: _entry(name, entry) for name, entry in _entries(file).items() if name != HELD_AT}


def held_at(chapter: Path, own: Mapping[str, object]) -> Mapping[str, object]:
    """Return the parameters at which a chapter's bands hold.

    They stand in the claims file: JupyterLab saves what a reader changes in the chapter, and its own cell would then
    say that nothing was changed. Without an entry, they are the chapter's own.

    Args:
        chapter: The notebook, beside its claims file.
        own: What its own cell of parameters says.
    """
    file = chapter.with_name("claims.yml")
    entries = _entries(file) if file.is_file() else {}
    stated = entries.get(HELD_AT, {}).get(chapter.stem)
    return own if stated is None else stated


def find(claims: Mapping[str, Claim], name: str) -> Claim:
    """Return a claim by name, or say which names there are."""
    if name not in claims:
        raise ValueError(f"the claim {name!r} is not in book/claims.yml, which lists {sorted(claims)}: add it there")
    return claims[name]


def finding(entry: Claim, value: float | None, scale: str, dataset: str, changed: Mapping[str, object]) -> Finding:
    """Judge a measured value.

    Args:
        entry: The claim.
        value: What was measured; None if nothing was.
        scale: Scale of the run.
        dataset: Data set of the run.
        changed: Other parameters that are not at their defaults; bands hold at defaults only.
    """
    band = entry.bands.get(scale, {}).get(dataset)
    if value is None:
        repair = f'say `claim("{entry.name}", ...)` in {entry.chapter}, or remove the entry'
        return Finding(entry, None, None, "missing", repair)
    if changed:
        return Finding(entry, value, None, "no band", f"at {_listed(changed)}; bands hold at the default")
    if band is None:
        return Finding(entry, value, None, "no band", f"none is set for {dataset} at scale {scale}")
    return Finding(entry, value, band, "inside" if band[0] <= value <= band[1] else "outside")


def record(notebook: NotebookNode) -> Iterator[tuple[NotebookNode, str, float]]:
    """Yield every claim that an executed notebook displays: its output, its name, its value."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            said = output.get("metadata", {}).get("latentbook", {})
            if "claim" in said:
                # JSON has no nan.
                yield output, said["claim"], math.nan if said["value"] is None else said["value"]


def refresh(notebook: NotebookNode, claims: Mapping[str, Claim], run: Mapping[str, object]) -> None:
    """Write every claim's row anew, as the claims file stands now: a changed band needs no new training.

    Args:
        notebook: An executed chapter, changed in place.
        claims: The claims of the book.
        run: Keywords of `finding`: scale, dataset, changed.
    """
    for output, name, value in record(notebook):
        entry = claims.get(name)
        seen = finding(entry, value, **run) if entry else _unlisted(name, value)  # pyright: ignore[reportArgumentType]
        output.data["text/html"], output.data["text/plain"] = row_html(seen), row_text(seen)


def rows(
    chapter: str, notebook: NotebookNode | None, claims: Mapping[str, Claim], run: Mapping[str, object]
) -> list[Finding]:
    """Return the findings of one chapter: what it said, what it should have said, and what nobody listed.

    Args:
        chapter: Its name.
        notebook: Its execution; None if it failed.
        claims: The claims of the book.
        run: Keywords of `finding`.
    """
    said = {name: value for _, name, value in record(notebook)} if notebook else {}
    due = {name: entry for name, entry in claims.items() if entry.chapter == chapter or name in said}
    unlisted = [_unlisted(name, said[name]) for name in said.keys() - claims.keys()]
    judged = [finding(entry, said.get(name), **run) for name, entry in due.items()]  # pyright: ignore[reportArgumentType]
    return judged + unlisted


# ---- how a row looks ----


def row_html(seen: Finding) -> str:
    """Return one row of the claims table.

    The page's style makes columns of the cells, whose heads say "expected" where they have room. JupyterLab has no
    style for them, and shows the gaps instead.
    """
    expected = '<span class="lb-claim-word">expected </span>' if seen.band else ""
    cells = {
        "sentence": html.escape(seen.claim.sentence),
        # A line may end before the unit, and not within the number.
        "value": html.escape(value_text(seen).replace(" × ", "\u00a0×\u00a0")),
        "band": expected + html.escape(band_text(seen)),
        "verdict": html.escape(seen.verdict),
        "source": html.escape(seen.claim.source),
    }
    gaps = {"sentence": "", "value": "<br>"}
    spans = "".join(
        f'<span class="lb-gap">{gaps.get(name, " · ")}</span><span class="lb-claim-{name}">{text}</span>'
        for name, text in cells.items()
    )
    verdict = {"no band": "none"}.get(seen.verdict, seen.verdict)
    return f'<div class="lb-claim" data-verdict="{verdict}">{spans}</div>'


def row_text(seen: Finding) -> str:
    """Return one row as a line of text."""
    return f"{seen.verdict:8} {seen.claim.name}: {value_text(seen)} ({band_text(seen)}). {seen.claim.sentence}"


def value_text(seen: Finding) -> str:
    """Return what was measured, with its unit, as exactly as its band is known."""
    return f"{figure(seen.value, _figures(seen.band))} {seen.claim.unit}".strip()


def band_text(seen: Finding) -> str:
    """Return the band in words; one of a single value is that value."""
    if not seen.band:
        return seen.remark or "no band"
    low, high = (figure(end, _figures(seen.band)) for end in seen.band)
    if math.isinf(seen.band[0]):
        return f"at most {high}"
    if math.isinf(seen.band[1]):
        return f"at least {low}"
    return " to ".join(dict.fromkeys((low, high)))


def figure(value: float | None, figures: int = FIGURES) -> str:
    """Return a number at some significant figures, whole numbers and thousands whole."""
    if value is None:
        return "nothing"
    if math.isnan(value):
        return "undefined"
    whole = math.isfinite(value) and (value == round(value) or 10**figures <= abs(value) < 1e6)
    return f"{value:,.0f}".replace("-", "−") if whole else in_figures(value, figures)


def _figures(band: tuple[float, float] | None) -> int:
    """Return at how many figures the ends of a band are written: three, or more where it is narrow."""
    if band is None or band[0] == band[1] or any(map(math.isinf, band)):
        return FIGURES
    # Rounding shall not be seen beside the width.
    seen = 0.1 * (band[1] - band[0])
    enough = (n for n in range(FIGURES, MOST_FIGURES) if all(abs(float(f"{end:.{n}g}") - end) < seen for end in band))
    return next(enough, MOST_FIGURES)


def _run_of(chapter: Path, names: Mapping[str, object]) -> dict:
    """Return the keywords of `finding` for a kernel in which a chapter runs.

    Args:
        chapter: The notebook; where it is not beside the claims, no parameter counts as changed.
        names: The kernel's names and values.
    """
    default = held_at(chapter, defaults(read(chapter)) if chapter.exists() else {})
    free = [name for name in default if name not in BANDED]
    changed = {name: names[name] for name in free if name in names and names[name] != default[name]}
    return {"scale": names.get("scale", "book"), "dataset": names.get("dataset", "digits"), "changed": changed}


# ---- the file ----


def _claims_file() -> Path:
    here = Path.cwd()
    places = [here, here / "book", Path(latentbook.__file__).parents[1] / "book"]
    for place in places:
        if (place / "claims.yml").is_file():
            return place / "claims.yml"
    raise FileNotFoundError(
        f"no claims.yml in {[str(place) for place in places]}: run the chapter inside the book's checkout"
    )


def _entries(file: Path) -> Mapping[str, Any]:
    return _parsed(file.resolve(), file.stat().st_mtime_ns)


@functools.lru_cache(maxsize=4)
def _parsed(file: Path, changed: int) -> Mapping[str, Any]:
    """Read the file once for each time that it was changed: a chapter makes some fifty claims."""
    return yaml.safe_load(file.read_text()) or {}


def _entry(name: str, entry: Mapping) -> Claim:
    missing = {"chapter", "sentence", "unit", "source", "bands"} - set(entry)
    if missing:
        raise ValueError(f"the claim {name!r} in claims.yml lacks {sorted(missing)}: add them")
    bands = {
        scale: {dataset: _band(name, band) for dataset, band in (by_dataset or {}).items()}
        for scale, by_dataset in (entry["bands"] or {}).items()
    }
    return Claim(name, entry["chapter"], entry["sentence"].strip(), entry["unit"] or "", entry["source"].strip(), bands)


def _band(name: str, band: object) -> tuple[float, float]:
    """Return the ends of a band; null is no end, and one of both is enough."""
    if isinstance(band, list) and len(band) == 2 and band != [None, None]:
        low, high = (none if end is None else float(end) for end, none in zip(band, (-math.inf, math.inf), strict=True))
        if low <= high:
            return low, high
    raise ValueError(f"the claim {name!r} has the band {band}, but a band is [low, high] with low <= high, or one null")


def _number(name: str, value: object) -> float:
    try:
        number = float(value)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError) as error:
        raise TypeError(f"the claim {name!r} was given {value!r}, but needs one number") from error
    if math.isinf(number):
        raise ValueError(f"the claim {name!r} was given {number}, but needs a finite number, or nan for none")
    return number


def _unlisted(name: str, value: float) -> Finding:
    entry = Claim(name, "", f"{name} is not in book/claims.yml: add it there, or do not claim it", "", "", {})
    return Finding(entry, value, None, "unlisted")


def _listed(changed: Mapping[str, object]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in changed.items())
