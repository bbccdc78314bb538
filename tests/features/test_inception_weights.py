import hashlib
import http.server
import os
import threading

import inception_reference
import numpy as np
import pytest
import torch_writer

from gan_jax.errors import UsageError
from gan_jax.features import inception_weights, torch_file

PUBLIC = "pt_inception-2015-12-05-6726825d.pth"


def line(function, *args, **named):
    """The one line with which a call fails."""
    with pytest.raises(UsageError) as raised:
        function(*args, **named)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.fixture
def tensors():
    return dict(inception_reference.tensors())


@pytest.fixture
def load(monkeypatch):
    """Loads given tensors as if a file held them."""

    def load(tensors):
        monkeypatch.setattr(torch_file, "read", lambda path: tensors)
        return inception_weights.load("weights.pth")

    return load


@pytest.mark.parametrize("write", torch_writer.WRITERS.values(), ids=torch_writer.WRITERS)
def test_loads_a_file_in_the_public_layout(tmp_path, tensors, write):
    path = write(tmp_path / "weights.pth", {name: torch_writer.tensor(x) for name, x in tensors.items()})
    params = inception_weights.load(path)
    path.unlink()
    deep, flat = params["Mixed_6b"]["branch7x7_2"], params["Conv2d_1a_3x3"]
    # OIHW to HWIO, here of a kernel that is not square: 1 high, 7 wide, 128 to 128 channels.
    assert deep["kernel"].shape == (1, 7, 128, 128) and deep["kernel"].dtype == np.float32
    assert deep["kernel"][0, 5, 17, 99] == tensors["Mixed_6b.branch7x7_2.conv.weight"][99, 17, 0, 5]
    assert flat["kernel"].shape == (3, 3, 3, 32)
    assert flat["kernel"][2, 0, 1, 30] == tensors["Conv2d_1a_3x3.conv.weight"][30, 1, 2, 0]
    for ours, theirs in dict(
        scale="weight", offset="bias", mean="running_mean", variance="running_var"
    ).items():
        np.testing.assert_array_equal(deep[ours], tensors[f"Mixed_6b.branch7x7_2.bn.{theirs}"])
    np.testing.assert_array_equal(params["fc"]["weight"], tensors["fc.weight"].T)
    np.testing.assert_array_equal(params["fc"]["bias"], tensors["fc.bias"])


def test_counts_of_batches_are_left_out(load, tensors):
    with_counts = {**tensors, "Conv2d_1a_3x3.bn.num_batches_tracked": np.int64(3)}
    assert set(load(with_counts)["Conv2d_1a_3x3"]) == {"kernel", "scale", "offset", "mean", "variance"}


def test_missing_tensors_are_named(load, tensors):
    del tensors["Mixed_7c.branch_pool.bn.running_mean"]
    assert "lacks Mixed_7c.branch_pool.bn.running_mean" in line(load, tensors)
    message = line(load, {})
    assert "and 469 more" in message and len(message) < 300


def test_unexpected_tensors_are_named(load, tensors):
    tensors["AuxLogits.fc.weight"] = np.zeros((1000, 768))
    assert "has beyond them AuxLogits.fc.weight" in line(load, tensors)


def test_misshaped_tensors_are_named(load, tensors):
    # torchvision's own network has 1000 classes.
    tensors["fc.weight"], tensors["fc.bias"] = tensors["fc.weight"][:1000], tensors["fc.bias"][:1000]
    message = line(load, tensors)
    assert "fc.weight (1000, 2048) not (1008, 2048)" in message and "fc.bias (1000,) not (1008,)" in message
    tensors["fc.bias"] = np.zeros((1008, 1), np.float32)
    assert "fc.bias (1008, 1) not (1008,)" in line(load, tensors)


@pytest.mark.parametrize("name", [PUBLIC, "weights-inception-2015-12-05-6726825d.pth"])
def test_a_file_under_the_public_name_must_be_it(tmp_path, name):
    (tmp_path / name).write_bytes(b"abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, B.1
    message = line(inception_weights.load, tmp_path / name)
    assert digest in message and "expected 6726825d" in message
    assert inception_weights.sha256(tmp_path / name) == digest


def test_sha256_of_no_file_is_one_line(tmp_path):
    assert "No such file" in line(inception_weights.sha256, tmp_path / "none")


def test_find(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = tmp_path / "gan_jax" / "inception" / PUBLIC
    message = line(inception_weights.find)
    for told in (str(place), f"releases/download/fid_weights/{PUBLIC}", "--download"):
        assert told in message
    place.parent.mkdir(parents=True)
    place.touch()
    assert inception_weights.find() == str(place)
    assert str(tmp_path / "mine.pth") in line(inception_weights.find, tmp_path / "mine.pth")
    (tmp_path / "mine.pth").touch()
    assert inception_weights.find(tmp_path / "mine.pth") == tmp_path / "mine.pth"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert inception_weights.default_path() == str(tmp_path / ".cache" / "gan_jax" / "inception" / PUBLIC)


@pytest.fixture
def server(monkeypatch):
    """A server on this machine that has `/good`, cuts `/cut` short and knows no other page."""
    content = bytes(range(256)) * 999
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            if self.path not in ("/good", "/cut"):
                return self.send_error(404)
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content if self.path == "/good" else content[:1000])

        def log_message(self, *args):
            pass

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", content, asked
        running.shutdown()
        thread.join()


def test_download(tmp_path, monkeypatch, server):
    address, content, asked = server
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    fetch = dict(url=f"{address}/good", expected=hashlib.sha256(content).hexdigest())
    path = inception_weights.download(**fetch)
    assert path == inception_weights.find()
    assert os.listdir(os.path.dirname(path)) == [PUBLIC]
    with open(path, "rb") as file:
        assert file.read() == content
    assert inception_weights.download(**fetch) == path and asked == ["/good"]  # it was there
    with open(path, "wb") as file:
        file.write(b"damaged")
    inception_weights.download(**fetch)
    assert inception_weights.sha256(path) == fetch["expected"]


@pytest.mark.parametrize("page, told", [("/none", "404"), ("/cut", "SHA-256"), ("/good", "SHA-256")])
def test_failed_downloads_leave_nothing(tmp_path, server, page, told):
    address, content, _ = server
    expected = hashlib.sha256(content + b"more" if page == "/good" else content).hexdigest()
    url = address + page
    message = line(inception_weights.download, tmp_path / "new" / "x.pth", url=url, expected=expected)
    assert told in message and url in message
    assert os.listdir(tmp_path / "new") == []


def test_no_server_and_no_folder_are_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert "refused" in line(inception_weights.download, tmp_path / "x.pth", url="http://127.0.0.1:9/x")
    (tmp_path / "file").touch()
    assert "file" in line(inception_weights.download, tmp_path / "file" / "x.pth", url="http://127.0.0.1:9/x")
