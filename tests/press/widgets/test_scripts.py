"""How scripts are joined."""

import pytest

from latentbook.press.widgets import scripts


def test_files_follow_each_other(monkeypatch, tmp_path):
    monkeypatch.setattr(scripts, "FOLDER", tmp_path)
    (tmp_path / "a.js").write_text("const a = 1;\n")
    (tmp_path / "b.js").write_text("export const b = a + 1;\n")
    assert scripts.join("a.js", "b.js") == "const a = 1;\n\nexport const b = a + 1;\n"


def test_remarks_stay_behind_and_nothing_else(monkeypatch, tmp_path, run):
    monkeypatch.setattr(scripts, "FOLDER", tmp_path)
    code = """// About.
/**
 * More. // And more.
 */
export const a = "// no remark";
  // Indented.
  /** One line. */
export const b = 1; // stays
"""
    (tmp_path / "a.js").write_text(code)
    assert scripts.join("a.js") == 'export const a = "// no remark";\nexport const b = 1; // stays\n'
    assert run(["a.js"], "(m) => [m.a, m.b]") == ["// no remark", 1]


def test_a_style_sheet_is_a_constant_whatever_is_in_it(monkeypatch, tmp_path, run):
    monkeypatch.setattr(scripts, "FOLDER", tmp_path)
    sheet = r'a::before { content: "\2014 `${x}`"; }'
    (tmp_path / "look.css").write_text(sheet)
    (tmp_path / "read.js").write_text("export const sheet = LOOK;")
    assert run(["look.css", "read.js"], "(m) => m.sheet") == sheet


def test_a_name_that_is_no_file_is_an_error():
    with pytest.raises(FileNotFoundError, match=r"nothing\.js"):
        scripts.join("nothing.js")
