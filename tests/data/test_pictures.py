import dataclasses
import hashlib
import logging
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pooch
import pytest
from matplotlib.cbook import get_sample_data
from matplotlib.image import imread
from samples import png_bytes
from scripts import load

from nstlib.data import STYLE_SIZE, pictures
from nstlib.data.pictures import (
    catalogue,
    data_folder,
    painting_names,
    photo,
    photo_names,
    style,
    style_names,
    style_size,
    training_photo_names,
)
from nstlib.errors import DataError, ImageError
from nstlib.files import load_image
from nstlib.images import check_image, resize

CHECKOUT = Path(__file__).parents[2]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Gallery(ThreadingHTTPServer):
    """Serves one file to whoever asks, well or badly."""

    daemon_threads = True

    def __init__(self, content: bytes):
        super().__init__(("127.0.0.1", 0), GalleryHandler)
        self.content = content
        self.behaviour = "good"
        self.requests: list[str] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/styles/"


class GalleryHandler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        match self.server.behaviour:
            case "good":
                self.answer(self.server.content)
            case "wrong":
                self.answer(self.server.content + b"tampered")
            case "truncated":
                self.answer(self.server.content[:100], declared=len(self.server.content))
            case "missing":
                self.send_error(404)
            case "broken":
                self.send_error(500)
            case "silent":
                self.server.closing.wait(20)
            case "stalling":
                self.answer(self.server.content[:100], declared=len(self.server.content), wait=20)

    def answer(self, body: bytes, *, declared: int | None = None, wait: float = 0):
        self.send_response(200)
        self.send_header("Content-Length", str(declared or len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        self.server.closing.wait(wait)

    def log_message(self, *args):
        pass


def change_painting(monkeypatch, name, **facts):
    """Let the catalogue say something else of a painting."""
    work = dataclasses.replace(pictures._PAINTINGS[name], **facts)
    monkeypatch.setitem(pictures._PAINTINGS, name, work)


@pytest.fixture
def gallery(monkeypatch):
    """A local server that the paintings are fetched from, and that has The Starry Night."""
    server = Gallery(png_bytes())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    change_painting(
        monkeypatch,
        "starry_night",
        source=f"{server.url}starry_night.jpg",
        sha256=sha256(server.content),
    )
    monkeypatch.setenv("NO_PROXY", "*")
    yield server
    server.closing.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """A cache folder that does not exist yet."""
    folder = tmp_path / "a" / "cache"
    monkeypatch.setenv("NSTLIB_DATA_DIR", str(folder))
    return folder


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the network was used")

    monkeypatch.setattr(pooch, "retrieve", refuse)
    monkeypatch.setattr("socket.socket.connect", refuse)


class TestNames:
    def test_kinds_are_disjoint(self):
        names = [*photo_names(), *style_names(), *painting_names()]
        assert len(names) == len(set(names))
        assert all(re.fullmatch("[a-z]+(_[a-z]+)*", name) for name in names)

    def test_paintings(self):
        wanted = ["starry_night", "wave", "the_scream", "composition_vii", "udnie"]
        assert painting_names() == wanted

    def test_one_photo_is_never_trained_on(self):
        assert set(photo_names()) - set(training_photo_names()) == {"grace_hopper"}
        assert set(training_photo_names()) < set(photo_names())

    def test_lists_are_the_callers_own(self):
        photo_names().clear()
        style_names().clear()
        painting_names().clear()
        assert photo_names()
        assert style_names()
        assert painting_names()

    @pytest.mark.parametrize(
        ("call", "name", "close"),
        [
            (photo, "astronout", "astronaut"),
            (photo, "Chelsea", "chelsea"),
            (style, "stary_night", "starry_night"),
            (style, "Starry Night", "starry_night"),
            (style, "the-scream", "the_scream"),
            (style, "stained glas", "stained_glass"),
        ],
    )
    def test_unknown_names_get_a_suggestion(self, call, name, close):
        with pytest.raises(DataError, match=f"{name!r}; did you mean {close!r}"):
            call(name)

    @pytest.mark.parametrize("name", ["qqqq", "", None, 3, ["wave"], "photos/mine.jpg"])
    def test_unknown_names_list_the_known_ones(self, name):
        with pytest.raises(DataError) as caught:
            photo(name)
        assert all(known in str(caught.value) for known in photo_names())
        with pytest.raises(DataError) as caught:
            style(name)
        assert all(known in str(caught.value) for known in style_names() + painting_names())
        assert "load_image" in str(caught.value)

    def test_a_photo_is_no_style(self):
        with pytest.raises(DataError, match="no style is called 'astronaut'"):
            style("astronaut")


class TestCatalogue:
    def test_has_every_picture_once(self):
        table = catalogue()
        for kind, names in [
            ("photo", photo_names()),
            ("style", style_names()),
            ("painting", painting_names()),
        ]:
            assert table.loc[table["kind"] == kind, "name"].tolist() == names
        assert len(table) == len(photo_names() + style_names() + painting_names())

    def test_columns(self):
        wanted = ["name", "kind", "title", "artist", "year", "licence", "sha256", "source"]
        assert catalogue().columns.tolist() == wanted
        assert catalogue()["year"].dtype == "Int64"

    def test_every_picture_has_its_credits(self):
        table = catalogue()
        for column in ("title", "artist", "licence", "source"):
            assert (table[column].str.len() > 2).all()
        assert table.loc[table["kind"] != "photo", "year"].notna().all()

    def test_hashes_are_held_for_all_but_the_own_styles(self):
        table = catalogue()
        own = table["kind"] == "style"
        assert table.loc[own, "sha256"].isna().all()
        assert table.loc[~own, "sha256"].str.fullmatch("[0-9a-f]{64}").all()

    def test_paintings_are_old_enough(self):
        paintings = catalogue().query("kind == 'painting'").set_index("name")
        assert paintings["licence"].eq("public domain").all()
        assert paintings["year"].to_dict() == {
            "starry_night": 1889,
            "wave": 1831,
            "the_scream": 1893,
            "composition_vii": 1913,
            "udnie": 1913,
        }

    def test_painting_sources_are_pinned_to_a_commit(self):
        for row in catalogue().query("kind == 'painting'").itertuples():
            folder, _, file = row.source.rpartition("/")
            assert file == f"{row.name}.jpg"
            assert re.search("/[0-9a-f]{40}/", folder)

    def test_own_styles_are_free(self):
        own = catalogue().query("kind == 'style'")
        assert own["licence"].eq("CC0-1.0").all()
        assert own["artist"].eq("nst-study").all()

    def test_opens_no_picture_and_uses_no_network(self, no_network, cache):
        assert isinstance(catalogue(), pd.DataFrame)
        assert not cache.exists()


class TestPhoto:
    @pytest.mark.parametrize("name", photo_names())
    def test_loads_without_network_and_matches_its_hash(self, name, no_network, cache):
        image = photo(name)
        assert check_image(image) is image
        assert min(image.shape[:2]) >= 300
        # In colour: the channels differ.
        assert np.abs(image[..., 0] - image[..., 2]).mean() > 0.01
        work = pictures._PHOTOS[name]
        package, folder = work.folder.split("/", 1)
        file = resources.files(package) / folder / work.file
        wanted = catalogue().set_index("name").loc[name, "sha256"]
        assert sha256(file.read_bytes()) == wanted
        assert not cache.exists()

    def test_same_pixels_as_scikit_image(self, no_network):
        import skimage.data

        expected = skimage.data.astronaut() / np.float32(255)
        np.testing.assert_array_equal(photo("astronaut"), expected)

    def test_size(self):
        image = photo("coffee", size=96)
        assert image.shape == (64, 96, 3)
        np.testing.assert_array_equal(image, resize(photo("coffee"), 96))

    def test_from_another_package_than_scikit_image(self, no_network):
        with get_sample_data("grace_hopper.jpg") as file:
            expected = imread(file, format="jpg") / np.float32(255)
        np.testing.assert_allclose(photo("grace_hopper"), expected, atol=2 / 255)

    @pytest.mark.parametrize("size", [0, 96.0, True, "96"])
    def test_bad_size(self, size):
        with pytest.raises(ImageError, match="size: is"):
            photo("coffee", size=size)

    def test_a_package_without_the_file(self, tmp_path, monkeypatch):
        (tmp_path / "data").mkdir()
        monkeypatch.setattr(resources, "files", lambda package: tmp_path)
        with pytest.raises(
            DataError, match=r"'chelsea': the installed skimage does not carry chelsea\.png"
        ):
            photo("chelsea")


class TestOwnStyles:
    @pytest.mark.parametrize("name", style_names())
    def test_loads_without_network(self, name, no_network, cache):
        image = style(name)
        assert check_image(image) is image
        assert min(image.shape[:2]) >= 256
        assert max(style(name, size=64).shape) == 64
        assert not cache.exists()

    def test_table_and_folder_agree(self):
        files = {path.stem for path in (CHECKOUT / "data" / "styles").glob("*.jpg")}
        assert files == set(style_names())

    def test_titles_are_those_of_the_painter(self):
        painter = load(CHECKOUT / "data" / "paint_styles")
        titles = catalogue().query("kind == 'style'").set_index("name")["title"]
        assert titles.to_dict() == {name: style.title for name, style in painter.STYLES.items()}

    def test_a_wheel_carries_them_inside_the_package(self, tmp_path, monkeypatch):
        package = tmp_path / "nstlib"
        monkeypatch.setattr(pictures, "__file__", str(package / "data" / "pictures.py"))
        name = style_names()[0]
        with pytest.raises(DataError, match="missing from this installation"):
            style(name)
        for folder in (tmp_path / "data" / "styles", package / "assets" / "styles"):
            folder.mkdir(parents=True)
            (folder / f"{name}.jpg").write_bytes(png_bytes(seed=len(str(folder))))
            np.testing.assert_array_equal(style(name), load_image(folder / f"{name}.jpg"))


class TestDataFolder:
    def test_is_read_at_call_time(self, tmp_path, monkeypatch):
        for name in ("one", "two"):
            monkeypatch.setenv("NSTLIB_DATA_DIR", str(tmp_path / name))
            assert data_folder() == tmp_path / name
            assert not (tmp_path / name).exists()

    @pytest.mark.parametrize("value", [None, ""])
    def test_is_the_users_cache_by_default(self, monkeypatch, value):
        monkeypatch.delenv("NSTLIB_DATA_DIR", raising=False)
        if value is not None:
            monkeypatch.setenv("NSTLIB_DATA_DIR", value)
        assert data_folder() == Path(pooch.os_cache("nst-study"))

    def test_home_is_expanded(self, monkeypatch):
        monkeypatch.setenv("NSTLIB_DATA_DIR", "~/paintings")
        assert data_folder() == Path.home() / "paintings"


class TestPaintings:
    def test_is_fetched_once_and_kept(self, gallery, cache):
        first = style("starry_night")
        assert gallery.requests == ["/styles/starry_night.jpg"]
        assert files_in(cache) == {"starry_night.jpg": gallery.content}
        np.testing.assert_array_equal(style("starry_night"), first)
        assert max(style("starry_night", size=60).shape) == 60
        assert len(gallery.requests) == 1

    def test_is_silent(self, gallery, cache, capfd, caplog):
        level = pooch.get_logger().level
        style("starry_night")
        gallery.behaviour = "wrong"
        (cache / "starry_night.jpg").write_bytes(b"other")
        with pytest.raises(DataError):
            style("starry_night")
        assert capfd.readouterr() == ("", "")
        assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []
        assert pooch.get_logger().level == level

    def test_a_folder_that_holds_it_needs_neither_network_nor_writing(
        self, gallery, cache, no_network, monkeypatch
    ):
        cache.mkdir(parents=True)
        path = cache / "starry_night.jpg"
        path.write_bytes(gallery.content)
        cache.chmod(0o500)
        before = (cache.stat().st_mtime_ns, path.stat().st_mtime_ns)
        np.testing.assert_array_equal(style("starry_night"), load_image(path))
        assert (cache.stat().st_mtime_ns, path.stat().st_mtime_ns) == before
        cache.chmod(0o700)

    def test_another_file_of_the_name_is_replaced(self, gallery, cache):
        cache.mkdir(parents=True)
        (cache / "starry_night.jpg").write_bytes(png_bytes(seed=9))
        style("starry_night")
        assert files_in(cache) == {"starry_night.jpg": gallery.content}

    @pytest.mark.parametrize(
        ("behaviour", "reason"),
        [
            ("wrong", "hash"),
            ("truncated", ""),
            ("missing", "404"),
            ("broken", "500"),
            ("silent", "timed out"),
            ("stalling", "timed out"),
        ],
    )
    @pytest.mark.parametrize("earlier", [None, b"an older file"])
    def test_failures_say_what_to_do_and_leave_nothing(
        self, gallery, cache, monkeypatch, behaviour, reason, earlier
    ):
        if earlier:
            cache.mkdir(parents=True)
            (cache / "starry_night.jpg").write_bytes(earlier)
        gallery.behaviour = behaviour
        with monkeypatch.context() as brief:
            if reason == "timed out":
                brief.setattr(pictures, "DOWNLOAD_TIMEOUT", 0.1)
            with pytest.raises(DataError) as caught:
                style("starry_night")
        self.check_message(str(caught.value), gallery.url, cache, sha256(gallery.content))
        assert reason in str(caught.value)
        assert caught.value.__cause__ is not None
        assert ("another sha256" in str(caught.value)) == bool(earlier)
        assert files_in(cache) == ({"starry_night.jpg": earlier} if earlier else {})
        # Nothing of the failure stays behind: the next try succeeds.
        gallery.behaviour = "good"
        np.testing.assert_array_equal(style("starry_night"), load_image(next(cache.iterdir())))

    def test_no_server_at_all(self, gallery, cache, monkeypatch):
        source = "http://127.0.0.1:9/starry_night.jpg"
        change_painting(monkeypatch, "starry_night", source=source)
        with pytest.raises(DataError) as caught:
            style("starry_night")
        wanted = sha256(gallery.content)
        self.check_message(str(caught.value), "http://127.0.0.1:9/", cache, wanted)
        assert files_in(cache) == {}

    @pytest.mark.parametrize("url", ["http://", "nonsense/", "http://[::1/", "gopher://x/"])
    def test_unusable_address(self, cache, monkeypatch, url):
        change_painting(monkeypatch, "wave", source=f"{url}wave.jpg")
        with pytest.raises(DataError, match="painting 'wave' could not be fetched"):
            style("wave")

    def test_folder_that_cannot_be_made(self, gallery, tmp_path, monkeypatch):
        (tmp_path / "file").write_text("in the way")
        monkeypatch.setenv("NSTLIB_DATA_DIR", str(tmp_path / "file" / "cache"))
        with pytest.raises(DataError, match=r"Set NSTLIB_DATA_DIR .*holds no such file"):
            style("starry_night")

    def test_folder_that_cannot_be_written(self, gallery, cache, monkeypatch):
        # Taking the permission away does not stop the superuser.
        def refuse(*args, **kwargs):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
        with pytest.raises(DataError, match=r"Permission denied.*Set NSTLIB_DATA_DIR"):
            style("starry_night")

    def test_file_that_cannot_be_read(self, gallery, cache, monkeypatch):
        cache.mkdir(parents=True)
        (cache / "starry_night.jpg").write_bytes(gallery.content)

        def refuse(*args, **kwargs):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", refuse)
        with pytest.raises(DataError, match="Permission denied"):
            style("starry_night")

    def check_message(self, message: str, url: str, folder: Path, wanted: str) -> None:
        for part in (
            "painting 'starry_night' could not be fetched",
            f"{url}starry_night.jpg",
            "Set NSTLIB_DATA_DIR to a folder that holds the file starry_night.jpg",
            wanted,
            str(folder),
            *style_names(),
        ):
            assert part in message


def test_import_makes_no_folder_and_reads_no_environment(tmp_path):
    code = (
        "import sys, nstlib.data.pictures, nstlib.images; "
        "assert 'pooch' not in sys.modules and 'skimage' not in sys.modules"
    )
    home = tmp_path / "home"
    environment = os.environ | {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home),
        "NSTLIB_DATA_DIR": str(tmp_path / "cache"),
        "PYTHONPATH": str(CHECKOUT),
    }
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


# --- the size of a style ---------------------------------------------------------------------


def test_a_style_is_used_at_one_size_unless_the_catalogue_says_another():
    assert style_size("wave") == style_size("linocut") == STYLE_SIZE
    assert style_size("udnie") == 256


def test_what_is_no_style_has_no_size():
    with pytest.raises(DataError, match="no style is called 'astronaut'"):
        style_size("astronaut")
