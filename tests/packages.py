"""A small package to follow imports through."""


def make_package(folder):
    """A package in which `a` imports `b`, and `c` stands apart."""
    root = folder / "latentbook"
    (root / "sub" / "js").mkdir(parents=True)
    (root / "__init__.py").write_text("")
    (root / "a.py").write_text("from latentbook import b\n")
    (root / "b.py").write_text("def late():\n    import latentbook.sub.deep\n")
    (root / "c.py").write_text("")
    (root / "sub" / "__init__.py").write_text("")
    (root / "sub" / "deep.py").write_text('SCRIPTS = ("deep-view.js", "gone.js")\n')
    (root / "sub" / "js" / "deep-view.js").write_text("")
    (root / "sub" / "js" / "other.js").write_text("")
    return root
