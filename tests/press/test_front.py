"""Leads of chapters on text pages."""

import json
import re

from nbformat.v4 import new_notebook, new_output

from latentbook.press.front import STATE, with_leads
from latentbook.press.notebooks import WIDGET
from tests.press.conftest import code

TEXT = "# Front\n\n<!-- lead of 1-a -->\n\nWhat you see.\n\n<!-- end of lead -->\n\n## Rest\n"


def executed(*tags, state=None):
    notebook = new_notebook(cells=[code("first"), code("explorer", *tags)])
    notebook.cells[1].outputs = [new_output("display_data", {WIDGET: {"model_id": "m"}})]
    states = {"m": {"model_name": "AnyModel", "state": state or {"words": "</script> & <b>"}}, "other": {"state": {}}}
    notebook.metadata["widgets"] = {STATE: {"state": states, "version_major": 2}}
    return notebook


def test_a_lead_is_put_where_the_text_asks_for_it():
    page = with_leads(TEXT, {"1-a": executed("lead")})
    view, state = re.findall(r'<script type="[^"]*">(.*)</script>', page)
    assert json.loads(view) == {"model_id": "m"}
    # Its own state alone, unharmed by what would end the element.
    assert json.loads(state)["state"] == {"m": {"model_name": "AnyModel", "state": {"words": "</script> & <b>"}}}
    assert page.count("</script>") == 2
    assert page.startswith("# Front")
    assert page.endswith("What you see.\n\n\n## Rest\n")
    assert "lead of" not in page


def test_without_a_lead_nothing_is_said_about_it():
    without_state = executed("lead")
    del without_state.metadata["widgets"]
    for chapters in ({}, {"1-a": None}, {"1-a": executed()}, {"1-a": without_state}):
        assert with_leads(TEXT, chapters) == "# Front\n\n\n## Rest\n"


def test_other_pages_stay_as_they_are():
    assert with_leads("# Other\n<!-- a remark -->\n", {"1-a": executed("lead")}) == "# Other\n<!-- a remark -->\n"
