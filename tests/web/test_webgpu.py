"""WebGPU on the page, by a graphics processor in software: chosen where it paints the same picture, and only there."""

import pytest
import samples
from visitor import choose, enter, give, image, levels, style_names

import nstlib as nst
from nstlib.johnson import SLIM_WIDTH

pytestmark = [pytest.mark.web, pytest.mark.full]

OPTIONS = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")
# What docs/web/worker.js has of WebGPU's limits. In software it is slow, and the page would not take it.
SOFTWARE = {"SOFTWARE = false": "SOFTWARE = true"}
SLOW = {"WORTH = 0.5": "WORTH = 1e9"}
PATIENT = {"PATIENCE = 10_000": "PATIENCE = 200_000"}
HASTY = {"PATIENCE = 10_000": "PATIENCE = 1"}
WRONG = {
    "bytes(found.painted.data)": 'bytes(found.painted.data).map((v) => (provider === "webgpu" ? v / 2 : v))'
}
NEAR = 2.0  # levels of 255
BY_GPU = "by WebGPU"


@pytest.fixture(scope="module")
def browser(browsing):
    try:
        with browsing.chromium(*OPTIONS) as browser:
            yield browser
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture
def studio(browser, address, site):
    """Opens the page, its worker changed, with a narrow photo."""
    contexts = []

    def opened(changes: dict[str, str]):
        script = (site / "web" / "worker.js").read_text(encoding="utf-8")
        for old, new in changes.items():
            assert script.count(old) == 1
            script = script.replace(old, new)
        contexts.append(browser.new_context())
        page = contexts[-1].new_page()
        page.set_default_timeout(200_000)  # ms
        kind = "text/javascript"
        page.context.route(
            "**/worker.js", lambda route: route.fulfill(body=script, content_type=kind)
        )
        enter(page, address)
        if page.evaluate("navigator.gpu?.requestAdapter().then(a => a === null) ?? true"):
            pytest.skip("this chromium has no WebGPU")
        give(page, "narrow.png", samples.png_bytes(16, 256))
        page.wait_for_selector("#before[aria-label='The photo: narrow']")
        return page

    yield opened
    for context in contexts:
        context.close()


def test_it_paints_the_same_picture(studio):
    page = studio(SOFTWARE | SLOW | PATIENT)
    styles = style_names(page)[:3]
    said = [choose(page, style) for style in styles]
    assert [BY_GPU in text for text in said] == [False, True, True]
    photo, painted = image(page, "before"), image(page, "after")
    expected = nst.load_network(styles[-1], width=SLIM_WIDTH).stylize(photo)
    assert levels(painted, expected) <= NEAR


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="software"),
        pytest.param(SOFTWARE | PATIENT, id="slow"),
        pytest.param(SOFTWARE | SLOW | PATIENT | WRONG, id="wrong"),
        pytest.param(SOFTWARE | SLOW | HASTY, id="hangs"),
    ],
)
def test_it_is_given_up(studio, changes):
    page = studio(changes)
    styles = style_names(page)[:2]
    assert [BY_GPU in choose(page, style) for style in styles] == [False, False]
    expected = nst.load_network(styles[-1], width=SLIM_WIDTH).stylize(image(page, "before"))
    assert levels(image(page, "after"), expected) <= NEAR
