"""How the tests of the chapters run one: as papermill does, with other parameters."""

from pathlib import Path

import nbformat

from latentbook.press import claims
from latentbook.press.execute import Job, Report, Workers, run

__all__ = ["SMOKE", "execute", "require_refusal"]

SMOKE = {"scale": "smoke", "device": "cpu"}

BOOK = Path(__file__).parents[2] / "book"


def execute(chapter: str, folder: Path, **values: object) -> tuple[Report, nbformat.NotebookNode]:
    """Run a chapter in a kernel of its own, and return the report and the notebook that ran."""
    job = Job(str(BOOK / f"{chapter}.ipynb"), str(folder / "out.ipynb"), values, 300.0)
    return run(job, Workers()), nbformat.read(job.output, 4)


def require_refusal(chapter: str, folder: Path, message: str, **values: object) -> None:
    """A wrong parameter stops the chapter before anything is trained or claimed."""
    report, ran = execute(chapter, folder, **values)
    assert message in report.error, report.error
    assert not list(claims.record(ran))
    assert "steps in" not in str(ran)
