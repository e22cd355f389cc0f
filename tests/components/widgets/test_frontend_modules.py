"""Modules become one script: in which order, without what, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from components.widgets import frontend
from components.widgets.frontend.modules import joined

COMPONENTS = Path(frontend.__file__).parents[1]


def write(folder: Path, **modules: str) -> Path:
    """Modules of these names; the entry is the first."""
    for name, source in modules.items():
        (folder / f"{name}.js").write_text(source, encoding="utf-8")
    return folder / f"{next(iter(modules))}.js"


def test_a_module_stands_once_and_behind_what_it_imports(tmp_path: Path) -> None:
    entry = write(
        tmp_path,
        entry='import { b } from "./b.js";\nimport { c } from "./c.js";\nexport default () => b + c;\n',
        b='import { c } from "./c.js";\nexport const b = c;\n',
        c="export const c = 1;\n",
    )
    assert joined(entry) == "const c = 1;\n\nconst b = c;\n\nexport default () => b + c;\n"


def test_comments_types_and_indentation_are_not_sent(tmp_path: Path) -> None:
    source = """\
// A comment.

/**
 * @param {number} a in **pixels**
 */
export default function (a) {
  // why
  const b = /** @type {any} */ (a); // said of b
  return `${b} // no comment /* nor this */`;
}
"""
    sent = joined(write(tmp_path, entry=source))
    assert sent == (
        "export default function (a) {\nconst b =  (a); // said of b\nreturn `${b} // no comment /* nor this */`;\n}\n"
    )


def test_an_import_over_several_lines(tmp_path: Path) -> None:
    entry = write(tmp_path, entry='import {\n  a,\n  b,\n} from "./a.js";\na(b);\n', a="export const a = 1, b = 2;\n")
    assert joined(entry) == "const a = 1, b = 2;\n\na(b);\n"


@pytest.mark.parametrize(
    ("modules", "complaint"),
    [
        ({"entry": 'import { a as b } from "./a.js";\n', "a": "export const a = 1;\n"}, "write imports as"),
        ({"entry": 'import * as a from "./a.js";\n', "a": ""}, "write imports as"),
        ({"entry": 'import a from "./a.js";\n', "a": ""}, "write imports as"),
        ({"entry": 'import "./a.js";\n', "a": ""}, "write imports as"),
        ({"entry": 'const a = await import("./a.js");\n', "a": ""}, "write imports as"),
        ({"entry": 'export { a } from "./a.js";\n', "a": ""}, "write imports as"),
        ({"entry": "const a = 1;\nexport { a };\n"}, "exports before a name"),
        ({"entry": 'import { a } from "./a.js";\nlet b;\n', "a": "export const a = 1;\nlet b;\n"}, "both declare b"),
        ({"entry": 'import { a } from "./a.js";\n', "a": 'import { b } from "./entry.js";\n'}, "which imports it"),
        ({"entry": 'import { a } from "./a.js";\n', "a": "export default 1;\n"}, "has a default export"),
        ({"entry": "export const a = `one\n  two`;\n"}, "template literal"),
    ],
)
def test_what_does_not_fit_into_one_scope_is_refused(tmp_path: Path, modules: dict[str, str], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        joined(write(tmp_path, **modules))


def test_a_missing_module_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"a\.js"):
        joined(write(tmp_path, entry='import { a } from "./a.js";\n'))


def test_the_script_of_every_component_has_one_default_export_and_no_import() -> None:
    entries = [path for path in COMPONENTS.glob("*/*.js") if path.stem == path.parent.name]
    assert {"token_strip", "attention_heatmap"} < {entry.stem for entry in entries}
    for entry in entries:
        sent = joined(entry)
        assert re.findall(r"^(?:export|import) .{7}", sent, re.MULTILINE) == ["export default"], entry
