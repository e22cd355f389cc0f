"""What a file of tests holds, and each mistake in one, named where it stands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import glassbert as gb
from glassbert.suites.contents import Case, SuiteTest
from glassbert.suites.on_board import SUITES, path_of

GOOD = """\
lists:
  name: {female: [Mary, Null], male: [John, No]}
  thing: [card, 3.10]
labels: {positive: [pos]}
tests:
- name: names
  kind: invariance
  swap: name
  cases: ["{name} has a {thing}.", "Plain {name}"]
- name: not
  kind: direction
  label: positive
  tolerance: 0
  cases: [["The {thing} is good.", "The {thing} is not good."]]
- {name: praise, kind: minimum_ability, cases: [{text: Good!, label: positive, group: a}]}
"""


def written(folder: Path, content: str, name: str = "mine.yaml") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def test_a_suite_as_people_write_it(tmp_path: Path) -> None:
    suite = gb.read_suite(written(tmp_path, GOOD))
    assert suite.name == "mine"
    # words are words, whatever YAML makes of them elsewhere
    assert dict(suite.lists["name"].groups) == {"female": ("Mary", "Null"), "male": ("John", "No")}
    assert suite.lists["thing"].words == (("card", ""), ("3.10", ""))
    names, direction, ability = suite.tests
    assert (names.swap, names.tolerance, names.most) == ("name", 0.1, 200)
    assert direction.cases[0].variant == "The {thing} is not good."
    assert (direction.expect, direction.tolerance) == ("lower", 0)
    assert ability.cases[0] == Case("Good!", label="positive", group="a")
    as_json = {"tests": [{"name": "a", "kind": "minimal_pair", "chance": 0.5, "cases": [["x", "y"]]}]}
    assert gb.read_suite(written(tmp_path, json.dumps(as_json, indent=1), "a.json")).tests[0].chance == 0.5


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("kind: invariance", "kind: invariant", r"line 7 \(tests, 1, kind\): must be one of invariance, direction"),
        ("swap: name", "swap: nam", r"line 8 \(tests, 1, swap\): there is no list 'nam'"),
        ("Plain {name}", "Plain {nmae}", r"line 9 \(tests, 1, cases, 2, text\): there is no list 'nmae' for the slot"),
        ("tolerance: 0", "tolerance: 3", r"line 13 \(tests, 2, tolerance\): must be a number from 0 to 1; got '3'"),
        ("tolerance: 0", "tolerance: nan", "must be a number from 0 to 1; got 'nan'"),
        ("tolerance: 0", "tolerance: 0\n  tolerance: 1", r"line 14 \(tests, 2, tolerance\): the key is there twice"),
        ("swap: name", "swap: name\n  typo: 1", "a test has no 'typo'; its keys are name, kind, cases"),
        ('"Plain {name}"', "[a, b]", r"line 9 \(tests, 1, cases, 2, variant\): the test makes the variant: give none"),
        ("swap: name", "about: x", r"\(tests, 1, cases, 1, variant\): needs a variant, or a test that makes it"),
        ("swap: name", "swap: name\n  by_position: maybe", "must be true or false; got 'maybe'"),
        ("swap: name", "swap: thing\n  by_position: true", "needs swap with a list whose groups have equally many"),
        ("label: positive, group", "group", r"\(tests, 3, cases, 1, label\): needs a label, here or in the test"),
        ("is not good.", "is good.", "text and variant are the same"),
        ("[card, 3.10]", "[]", r"line 3 \(lists, thing\): needs at least one word, none of them empty"),
        ("[card, 3.10]", "[card, '']", "needs at least one word, none of them empty"),
        ("name: {female", "na me: {female", "the name of a list is made of letters, digits"),
        ("name: praise", "name: not", "two tests have the name 'not'"),
        ("[card, 3.10]", "&a [card, 3.10]\n  b: *a", r"is not YAML, line 4, column 6: aliases are not allowed"),
        ("[card, 3.10]", "[[[[[[[[[a]]]]]]]]]", "nested too deeply"),
        ("[card, 3.10]", "[card, 3.10", r"is not YAML, line 4, column \d+"),
        ("[card, 3.10]", "!!python/object:os.system [card]", "must be text|must be a list|needs at least")
        if False
        else ("[card, 3.10]", "{a: {b: c}}", r"\(lists, thing, a\): must be a list"),
        ("labels: {", "title: x\nlabels: {", "a suite has no 'title'; its keys are name, about, licence"),
    ],
)
def test_a_mistake_is_named_where_it_stands(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert GOOD.count(old) >= 1
    with pytest.raises(gb.TableError, match=message) as caught:
        gb.read_suite(written(tmp_path, GOOD.replace(old, new, 1)))
    assert str(caught.value).startswith("mine.yaml")


@pytest.mark.parametrize(
    ("content", "message"), [("", "has keys and values"), ("- a", "has keys"), ("a: \x01", "mine.yaml is not YAML")]
)
def test_what_is_no_suite_is_refused(content: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(gb.TableError, match=message):
        gb.read_suite(written(tmp_path, content))


def test_tags_make_nothing(tmp_path: Path) -> None:
    content = GOOD.replace("[card, 3.10]", "!!python/object/apply:os.mkdir [made]")
    assert gb.read_suite(written(tmp_path, content)).lists["thing"].words == (("made", ""),)
    assert not Path("made").exists()


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(gb.TableError, match="the suites on board are sentiment_basics"):
        gb.read_suite("no such suite")
    with pytest.raises(gb.TableError, match="is a folder"):
        gb.read_suite(tmp_path)
    (tmp_path / "odd.yaml").write_bytes(b"name: \xff\xfe\x81\nlists: \xc3")
    with pytest.raises(gb.TableError):
        gb.read_suite(tmp_path / "odd.yaml")


def test_a_table_of_cases(tmp_path: Path) -> None:
    suite = gb.read_suite(
        written(
            tmp_path,
            "test,kind,text,variant,label,group,tolerance\n"
            "swap,invariance,A {x},B,,g,0.2\n,,C,D,,h,\nlabels,minimum_ability,Good,,positive,,\nswap,,E,F,,,\n",
            "mine.csv",
        )
    )
    swap, labels = suite.tests
    assert [(case.text, case.variant, case.group) for case in swap.cases] == [
        ("A {x}", "B", "g"),  # a table has no lists, so braces are text
        ("C", "D", "h"),
        ("E", "F", ""),
    ]
    assert (swap.tolerance, labels.tolerance) == (0.2, 0.1)
    assert labels.cases[0].label == "positive"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("test,text\na,b\n", "mine.csv has no column 'kind'; its columns are 'test', 'text'"),
        ("test,kind,text,colour\n", "has the column 'colour', which means nothing"),
        ("test,kind,text\n,minimum_ability,a\n", "row 2, column 'test': the cell is empty"),
        ("test,kind,text,variant\na,minimal_pair,x,y\na,direction,x,y\n", "row 3, column 'kind': .* in a row above"),
        ("test,kind,text,variant\na,minimal_pair,x,y\na,,z,\n", "row 3, column 'variant': a minimal pair needs a var"),
        ("test,kind,text,variant\na,pair,x,y\n", "row 2, column 'kind': must be one of"),
        ("test,kind,text,variant\na,minimal_pair,x,y,z\n", "row 2: 5 cells, but there are 4 columns"),
        ("test,kind,text,variant\n", "a suite needs a list of tests"),
    ],
)
def test_a_mistake_in_a_table_names_row_and_column(content: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(gb.TableError, match=message):
        gb.read_suite(written(tmp_path, content, "mine.csv"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "x"}, "kind must be one of invariance"),
        ({"tolerance": 2.0}, "tolerance must be from 0 to 1"),
        ({"cases": ()}, "has no cases"),
    ],
)
def test_what_is_made_in_python_is_checked_too(wrong: dict[str, object], message: str) -> None:
    made = {"name": "a", "kind": "invariance", "cases": (Case("x"),), "swap": "thing"}
    with pytest.raises(gb.OptionError, match=message):
        SuiteTest(**{**made, **wrong})
    with pytest.raises(gb.OptionError, match="swaps the words of a list 'thing', which is not there"):
        gb.Suite("mine", (SuiteTest(**made),))


def test_the_suites_on_board_are_small_and_say_what_they_are() -> None:
    cards = (path_of("").parents[1] / "DATA_CARDS.md").read_text(encoding="utf-8")
    assert {path.stem for path in path_of("").parent.iterdir()} == SUITES.keys()
    assert sum(path_of(name).stat().st_size for name in SUITES) < 300_000
    for name in SUITES:
        suite = gb.read_suite(name)
        assert suite.name == name
        assert suite.about
        assert suite.licence
        assert suite.flaws
        assert f"`{name}`" in cards
        assert all(one.kind == "minimal_pair" for one in suite.tests) == (name in ("agreement", "stereotypes"))
