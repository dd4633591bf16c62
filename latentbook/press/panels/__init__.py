"""Panels: forms for JupyterLab that compute in the kernel; the page, which has none, leaves them out."""
