"""No network, and a network of this machine alone."""

import http.server
import threading
import types
import urllib.error
import urllib.request

import pytest


@pytest.fixture
def offline(monkeypatch):
    def refuse(request, **_):
        raise urllib.error.URLError("no network here")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)


@pytest.fixture
def mirror(monkeypatch, tmp_path):
    """A mirror on the loopback interface: its folder, its address, and the requests it had."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder, requests = tmp_path / "mirror", []
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def log_message(self, *_):
            requests.append(self.path)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield types.SimpleNamespace(folder=folder, url=f"http://127.0.0.1:{server.server_port}/", requests=requests)
    server.shutdown()
    server.server_close()
    thread.join()
