"""The page on which a visitor paints a photo, in a browser."""

import io
import itertools
import struct
from functools import cache

import numpy as np
import pytest
import samples
from PIL import Image
from visitor import choose, enter, give, image, levels, painted, problem, style_names

import nstlib as nst
from nstlib.images import to_uint8, transfer_luminance
from nstlib.johnson import SLIM_WIDTH
from nstlib.johnson.saved import network_path, read_network
from nstlib.methods import blend

pytestmark = pytest.mark.web

NEAR = 2.0  # levels of 255
WAVE = "woodblock_wave"
GIVE_FILE = """([kind, bytes]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([new Uint8Array(bytes)], "given.png", { type: "image/png" }));
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { clipboardData: transfer })
    : new DragEvent("drop", { dataTransfer: transfer, cancelable: true });
  document.dispatchEvent(event);
}"""

# Losses of the study's pair with a style, or of its first one.
EXAMPLE = """style => fetch("web/study.json").then(r => r.json())
  .then(({ pairs }) => pairs.find(pair => pair.style === style) ?? pairs[0])
  .then(({ methods }) => methods.filter(({ label }) => label.startsWith("Gatys") || label === "Johnson slim"))
  .then(shown => shown.map(({ scores }) => scores.total.toPrecision(3)))"""


def file_of(picture: np.ndarray, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(to_uint8(picture)).save(buffer, format=kind, **options)
    return buffer.getvalue()


@cache
def slim_network() -> nst.Network:
    return nst.load_network(WAVE, width=SLIM_WIDTH)


def stylized(style: str, photo: np.ndarray) -> np.ndarray:
    """What the network of a style paints. Keras compiles one network, and all others are weights for it."""
    saved = read_network(network_path(style, width=SLIM_WIDTH))
    slim_network().model.set_weights(saved.weights)
    return slim_network().stylize(photo)


def slide(page, slider: str, value: int) -> None:
    page.fill(f"#{slider}", str(value))


@pytest.fixture
def studio(page, address):
    """The page with its first photo."""
    enter(page, address)
    return page


# --- the picture -------------------------------------------------------------------------------


def test_every_style_paints_what_its_network_does(studio):
    styles = style_names(studio)
    assert styles == nst.network_names(SLIM_WIDTH) != []
    pictures = []
    for style in styles:
        choose(studio, style)
        pictures.append(image(studio, "after"))
        assert levels(pictures[-1], stylized(style, image(studio, "before"))) <= NEAR
    assert all(levels(one, other) > 50 for one, other in itertools.pairwise(pictures))


@pytest.mark.parametrize(
    ("sides", "size", "expected"),
    [((61, 97), 256, (161, 256)), ((511, 333), 384, (384, 250)), ((700, 1001), 512, (358, 512))],
)
def test_odd_sizes_are_resized_and_painted_as_nstlib_does(studio, sides, size, expected):
    picture = nst.resize(nst.photo("coffee"), sides)
    give(studio, "odd.png", file_of(picture))
    studio.check(f"input[value='{size}']")
    assert f"{expected[1]} × {expected[0]} px" in choose(studio, WAVE)
    given = image(studio, "before")
    assert given.shape == (*expected, 3)
    assert levels(given, nst.resize(samples_of(picture), expected)) <= NEAR
    assert levels(image(studio, "after"), stylized(WAVE, given)) <= NEAR


def samples_of(picture: np.ndarray) -> np.ndarray:
    """What an 8-bit file keeps of a picture."""
    return to_uint8(picture).astype(np.float32) / 255


def test_a_portrait_of_a_telephone_stands_upright(studio, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    content = file_of(nst.photo("coffee", size=400), "JPEG", quality=95, exif=exif)
    (tmp_path / "portrait.jpg").write_bytes(content)
    give(studio, "portrait.jpg", content, "image/jpeg")
    choose(studio, WAVE)
    given, expected = image(studio, "before"), nst.load_image(tmp_path / "portrait.jpg", size=256)
    assert given.shape[0] > given.shape[1]
    assert levels(given, expected) <= 8  # another decoder of JPEG
    assert np.abs(given - expected).mean() * 255 <= 1


def test_what_is_transparent_is_laid_over_white(studio):
    rgba = np.dstack([samples.noise(64, 64), np.zeros((64, 64), np.uint8)])
    buffer = io.BytesIO()
    Image.fromarray(rgba).save(buffer, format="PNG")
    give(studio, "clear.png", buffer.getvalue())
    choose(studio, WAVE)
    assert image(studio, "before").min() == 1


@pytest.mark.parametrize(
    "deviation", [0.6, 1.4]
)  # levels: below 1 nothing is to be seen, from 2 on it is a picture
def test_a_frame_that_shows_nothing_does_not_become_a_texture(studio, deviation):
    noise = np.random.default_rng(0).normal(4, deviation, (80, 120, 3)).clip(0, 255)
    give(studio, "night.png", file_of(np.float32(noise / 255)))
    choose(studio, WAVE)
    before, after = image(studio, "before"), image(studio, "after")
    assert levels(after, stylized(WAVE, before)) <= NEAR
    assert "shows hardly anything" in studio.text_content("#status")
    assert 255 * after.std(axis=(0, 1)).max() < 40


def test_strength_and_colours_are_those_of_nstlib(studio):
    choose(studio, WAVE)
    photo, whole = image(studio, "before"), image(studio, "after")
    slide(studio, "strength", 40)
    assert studio.text_content("#strength-value") == "40 %"
    assert levels(image(studio, "after"), blend(photo, whole, 0.4)) <= NEAR
    studio.check("#keep")
    kept = transfer_luminance(photo, whole)
    assert levels(image(studio, "after"), blend(photo, kept, 0.4)) <= NEAR
    slide(studio, "strength", 100)
    assert levels(image(studio, "after"), kept) <= NEAR
    slide(studio, "strength", 0)
    assert levels(image(studio, "after"), photo) <= 1


def test_the_download_is_the_picture(studio):
    assert studio.is_disabled("#download")
    assert studio.is_disabled("#split")
    choose(studio, WAVE)
    slide(studio, "strength", 70)
    with studio.expect_download() as download:
        studio.click("#download")
    assert download.value.suggested_filename.endswith(f"_{WAVE}.png")
    assert levels(nst.load_image(download.value.path()), image(studio, "after")) == 0


def test_before_and_after_stand_side_by_side(studio):
    choose(studio, WAVE)
    stage = studio.locator("#stage")
    slide(studio, "split", 0)
    bare = shot(stage)
    slide(studio, "split", 100)
    whole = shot(stage)
    slide(studio, "split", 50)
    both = shot(stage)
    half, margin = both.shape[1] // 2, 4  # px
    assert levels(both[:, : half - margin], whole[:, : half - margin]) == 0
    assert levels(both[:, half + margin :], bare[:, half + margin :]) == 0
    assert levels(bare, whole) > 50


def test_the_stage_has_the_proportions_of_its_picture(studio):
    studio.set_viewport_size({"width": 1200, "height": 500})
    give(studio, "tall.png", samples.png_bytes(120, 60))
    studio.wait_for_selector("#before[aria-label='The photo: tall']")
    for act in (lambda: None, lambda: choose(studio, WAVE)):
        act()
        box = studio.locator("#stage").bounding_box()
        assert box["width"] / box["height"] == pytest.approx(0.5, abs=0.01)
        assert box["height"] <= 0.76 * 500


def shot(part) -> np.ndarray:
    """What is to be seen of a part of the page."""
    picture = Image.open(io.BytesIO(part.screenshot())).convert("RGB")
    return np.asarray(picture, np.float32) / 255


def test_the_page_says_what_it_took_and_what_the_other_method_would(studio):
    assert "256 × 256 px" in choose(studio, WAVE)
    assert "s of it in the network" in studio.text_content("#status")
    told = studio.text_content("#slow")
    assert "100 evaluations" in told
    losses = studio.evaluate(EXAMPLE, WAVE)
    assert len(losses) == 2
    assert all(
        f"a loss of {loss}" in told or f"of {loss} by the network" in told for loss in losses
    )


# --- ways in -----------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_a_photo_is_pasted_and_dropped(studio, way):
    studio.evaluate(GIVE_FILE, [way, list(samples.png_bytes(40, 80))])
    choose(studio, WAVE)
    assert image(studio, "before").shape == (128, 256, 3)


def test_a_photo_of_the_site_is_chosen(studio):
    studio.click("#photos button:has-text('Chelsea')")
    studio.wait_for_selector("#photos button[aria-pressed='true']:has-text('Chelsea')")
    choose(studio, WAVE)
    expected = nst.photo("chelsea", size=256)
    assert np.abs(image(studio, "before") - expected).mean() * 255 <= 3  # a JPEG of it


def test_the_camera_takes_a_photo(studio):
    studio.context.grant_permissions(["camera"])
    studio.click("#camera")
    studio.wait_for_function("document.getElementById('video').videoWidth > 0")
    studio.click("#shoot")
    studio.wait_for_selector("#before[aria-label='The photo: camera']")
    choose(studio, WAVE)
    assert image(studio, "before").std() > 0.05


def test_a_camera_that_is_refused_is_said_to_be(studio):
    studio.click("#camera")
    problem(studio, "The camera was refused")


# --- what goes wrong ---------------------------------------------------------------------------


def giant_png(width: int, height: int) -> bytes:
    """A PNG that declares a size and ends behind it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header + b"\0\0\0\0"


def giant_jpeg(width: int, height: int) -> bytes:
    """A JPEG with an EXIF segment that ends behind its size."""
    frame = struct.pack(">HBHHB", 17, 8, height, width, 3)
    return b"\xff\xd8\xff\xe1\x00\x08Exif\0\0\xff\xc0" + frame + bytes(9)


@pytest.mark.parametrize("make", [giant_png, giant_jpeg])
def test_a_giant_is_refused_by_its_header(studio, make):
    give(studio, "giant", make(10_000, 6_000))
    assert "60 megapixels" in problem(studio, "megapixels")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "AVIF"])
@pytest.mark.parametrize("lossless", [False, True])
def test_the_size_of_a_file_is_read_from_its_header(studio, kind, lossless):
    content = file_of(nst.photo("coffee", size=120), kind, lossless=lossless)
    size = studio.evaluate(
        "async bytes => (await import(new URL('web/header.js', location)))"
        ".declaredSize(new Uint8Array(bytes).buffer)",
        list(content),
    )
    assert size == [120, 80]


def test_no_picture_is_said_to_be_none(studio):
    give(studio, "letter.png", b"Dear visitor, this is no picture.")
    problem(studio, "no picture that the browser can read")
    give(studio, "empty.png", b"")
    problem(studio, "no picture that the browser can read")
    choose(studio, WAVE)  # the photo before is still there
    assert not studio.is_visible("#problem")


def test_a_photo_too_narrow_is_refused(studio):
    give(studio, "thread.png", samples.png_bytes(16, 900))
    studio.wait_for_selector("#before[aria-label='The photo: thread']")
    studio.click("#styles button >> nth=0")
    problem(studio, "too narrow")


@pytest.mark.parametrize("lost", ["**/networks/*.onnx", "**/runtime_wasm.z", "**/ort.wasm*.mjs*"])
def test_a_lost_file_is_told_and_tried_again(page, address, lost):
    page.context.route(lost, lambda route: route.abort())
    enter(page, address)
    page.click("#styles button >> nth=0")
    problem(page, "Check the connection")
    page.context.unroute(lost)
    choose(page, style_names(page)[0])
    assert not page.is_visible("#problem")


def test_a_network_that_is_not_there_or_damaged_is_told(studio):
    studio.context.route("**/networks/*.onnx", lambda route: route.fulfill(status=404))
    studio.click("#styles button >> nth=0")
    assert "404" in problem(studio, "Could not load the network of")
    studio.context.unroute("**/networks/*.onnx")
    studio.context.route("**/networks/*.onnx", lambda route: route.fulfill(body=b"no network"))
    studio.click("#styles button >> nth=1")
    problem(studio, "its file may be damaged")


# --- everybody and everywhere ------------------------------------------------------------------


def test_the_last_wish_counts(studio):
    buttons = studio.locator("#styles button")
    for index in (0, 1, 2, 3):
        buttons.nth(index).click()
    studio.wait_for_selector("#status:has-text('Painted in')")
    style = style_names(studio)[3]
    assert levels(image(studio, "after"), stylized(style, image(studio, "before"))) <= NEAR
    assert studio.locator("#styles [aria-pressed='true']").count() == 1


def test_a_wish_that_was_given_up_is_not_complained_of(studio):
    held, lost = [], style_names(studio)[0]
    studio.context.route(f"**/networks/{lost}.onnx", lambda route: held.append(route))
    buttons = studio.locator("#styles button")
    with studio.expect_request("**/networks/*.onnx"):
        buttons.nth(0).click()
    buttons.nth(1).click()
    held[0].fulfill(status=404)
    studio.wait_for_selector("#status:has-text('Painted in')")
    assert not studio.is_visible("#problem")


def test_a_photo_that_comes_late_does_not_replace_a_later_one(studio):
    held = []
    studio.context.route("**/chelsea_photo.jpg", lambda route: held.append(route))
    with studio.expect_request("**/chelsea_photo.jpg"):
        studio.click("#photos button:has-text('Chelsea')")
    give(studio, "later.png", samples.png_bytes(40, 80))
    studio.wait_for_selector("#before[aria-label='The photo: later']")
    with studio.expect_response("**/chelsea_photo.jpg"):
        held[0].continue_()
    choose(studio, WAVE)
    assert image(studio, "before").shape == (128, 256, 3)


def test_a_worker_that_does_not_start_is_told_whatever_is_pressed(page, address):
    page.context.route("**/worker.js", lambda route: route.abort())
    page.goto(f"{address}/try.html")
    page.wait_for_selector("#before[aria-label*='astronaut']")
    problem(page, "Load the page again")
    page.evaluate("document.getElementById('problem').hidden = true")
    page.click("#styles button >> nth=0")
    problem(page, "Load the page again")
    assert page.get_attribute("#stage", "aria-busy") == "false"


def test_the_keyboard_is_enough(studio):
    button = studio.locator("#styles button").nth(2)
    button.focus()
    painted(studio, lambda: studio.keyboard.press("Enter"))
    assert button.get_attribute("aria-pressed") == "true"
    studio.focus("#sizes input:checked")
    assert "384 ×" in painted(studio, lambda: studio.keyboard.press("ArrowRight"))
    studio.focus("#strength")
    studio.keyboard.press("ArrowLeft")
    assert studio.text_content("#strength-value") == "99 %"
    studio.keyboard.press("Tab")
    assert studio.evaluate("document.activeElement.id") == "keep"


def test_a_screen_reader_has_a_name_for_everything(studio):
    choose(studio, WAVE)
    for role, name in [
        ("slider", "Strength"),
        ("slider", "How much of the width"),
        ("checkbox", "Keep the colours"),
        ("radio", "512 px"),
        ("img", "in the style of Breaking waves"),
        ("button", "Choose a file"),
        ("button", "Download"),
    ]:
        assert studio.get_by_role(role, name=name).count() >= 1, name
    assert studio.locator("#status").get_attribute("aria-live") == "polite"
    assert studio.locator("#problem").get_attribute("role") == "alert"
    named = "[...document.querySelectorAll('#try button')].every(b => b.textContent.trim())"
    assert studio.evaluate(named)
    ids = studio.evaluate("[...document.querySelectorAll('[id]')].map(element => element.id)")
    assert sorted(set(ids)) == sorted(ids)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_telephone(chromium, address, scheme):
    context = chromium.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, color_scheme=scheme
    )
    page = context.new_page()
    enter(page, address)
    choose(page, WAVE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for part in ("stage", "strength", "download", "file"):
        box = page.locator(f"#{part}").bounding_box()
        assert box["x"] >= 0, part
        assert box["x"] + box["width"] <= 360, part
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, background[4:-1].split(","))) > 3 * 128) == (scheme == "light")
    context.close()


def test_nothing_leaves_the_host_and_little_is_loaded(page, address):
    loaded, asked = {}, []
    page.on("request", lambda request: asked.append(request.url))
    page.on("response", lambda answer: loaded.update({answer.url: answer}))
    enter(page, address)
    page.wait_for_function(
        "performance.getEntriesByType('resource').length > 20"  # the pictures to choose from
    )
    page.wait_for_load_state("networkidle")

    def weight() -> int:
        return sum(len(answer.body()) for answer in loaded.values() if answer.ok)

    before = weight()
    choose(page, WAVE)
    assert any(url.endswith("runtime_wasm.z") for url in loaded)
    assert len(asked) > 20
    assert [url for url in asked if not url.startswith((address, "blob:", "data:"))] == []
    (network,) = [answer for url, answer in loaded.items() if url.endswith(".onnx")]
    assert 4_000_000 < before < 15_000_000
    assert 100_000 < len(network.body()) < 500_000
