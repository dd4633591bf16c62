"""Widgets: one anywidget a file; the scripts of `<name>.py` are `js/<name>*.js`."""
