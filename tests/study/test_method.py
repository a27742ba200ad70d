import pytest

from nstlib.johnson.saved import network_names
from nstlib.study.method import COLOUR_TRANSFER, IDENTITY, SLIM, WIDE, Method, run_name

LABELS = {
    "identity": Method("identity"),
    "colour transfer": Method("colour transfer"),
    "Gatys 100": Method("gatys", evals=100),
    "Adam 50": Method("adam", evals=50),
    "Johnson": Method("johnson"),
    "Johnson slim": Method("johnson", width=0.25),
    "Johnson bfloat16": Method("johnson", precision="bfloat16"),
    "Johnson int8": Method("johnson", precision="int8"),
    "Johnson slim int8": Method("johnson", width=0.25, precision="int8"),
    "hybrid 10": Method("hybrid", evals=10),
    "hybrid slim 5": Method("hybrid", width=0.25, evals=5),
}


@pytest.mark.parametrize(("label", "method"), LABELS.items())
def test_a_label_and_its_method(label, method):
    assert method.label == label
    assert Method.parse(label) == method


def test_equal_methods_are_one_key():
    assert len({*LABELS.values(), *map(Method.parse, LABELS)}) == len(LABELS)
    assert [
        LABELS[label] for label in ("identity", "colour transfer", "Johnson", "Johnson slim")
    ] == [IDENTITY, COLOUR_TRANSFER, WIDE, SLIM]


def test_a_run_has_one_name_whatever_its_budget():
    for kind in ("gatys", "adam", "hybrid"):
        assert {Method(kind, evals=count).name for count in (1, 10, 200)} == {run_name(kind)}
    assert [run_name(kind) for kind in ("gatys", "adam", "hybrid")] == ["Gatys", "Adam", "hybrid"]
    assert SLIM.name == SLIM.label


def test_what_a_method_needs():
    baselines = {label for label, method in LABELS.items() if method.is_baseline}
    assert baselines == {"identity", "colour transfer"}
    networks = {label for label, method in LABELS.items() if method.uses_network}
    assert networks == {label for label in LABELS if label.startswith(("Johnson", "hybrid"))}


@pytest.mark.parametrize(
    "label",
    [
        *("", "Gatys", "Gatys 0", "Gatys 010", "gatys 10", "Gatys  10", "Gatys 10 ", "Gatys 10.0"),
        *(
            "Gatys -1",
            "Gatys slim 10",
            "Johnson 10",
            "Johnson wide",
            "Johnson float32",
            "Johnson int8 slim",
            "hybrid int8 5",
            "identity slim",
            "untouched photo",
        ),
    ],
)
def test_texts_that_are_no_label(label):
    with pytest.raises(ValueError, match=r"label|evals|width|precision"):
        Method.parse(label)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "magic"}, "kind: 'magic' is not one of identity, colour transfer, gatys"),
        ({"kind": "gatys"}, "evals: 0 is not a whole number of at least 1"),
        ({"kind": "hybrid", "evals": 2.0}, "evals: 2.0"),
        ({"kind": "johnson", "evals": 3}, "evals: 3, but the kind 'johnson' evaluates nothing"),
        (
            {"kind": "johnson", "width": 0.5},
            "width: 0.5 of the kind 'johnson'; accepted: 1 or 0.25",
        ),
        (
            {"kind": "johnson", "precision": "int4"},
            "precision: 'int4' of the kind 'johnson'; accepted: float32 or bfloat16 or int8$",
        ),
        (
            {"kind": "gatys", "evals": 1, "precision": "bfloat16"},
            "of the kind 'gatys'; accepted: float32$",
        ),
        ({"kind": "adam", "width": 0.25, "evals": 1}, "of the kind 'adam'; accepted: 1$"),
    ],
)
def test_values_that_are_no_method(values, message):
    with pytest.raises(ValueError, match=message):
        Method(**values)


def test_networks_ship_in_the_widths_of_methods():
    for method in (WIDE, SLIM):
        assert network_names(method.width)
