"""The groups of the API reference."""

from __future__ import annotations

import glassbert as gb
from glassbert import errors
from scripts import reference
from tests.test_architecture import ORDER


def test_every_public_name_is_in_one_group_of_its_folder() -> None:
    groups = {folder: names for folder, _, names in reference.groups()}
    listed = [name for names in groups.values() for name in names]
    assert len(listed) == len(set(listed))
    assert set(gb.__all__) | set(errors.__all__) <= set(listed)
    assert {"Surprise", "LogitLens"} <= set(groups["language"]), "what functions return is documented with them"
    objects = reference.documented()
    for folder, names in groups.items():
        for name in names:
            home = getattr(objects[name][1], "__module__", "")
            assert folder == "words" or not home.startswith("glassbert.") or home.split(".")[1] == folder, name
    assert {"GlassBERTError", "load_result", "ClassTarget"} <= set(groups["words"])
    assert {"attribute", "METHODS", "TokenScores"} <= set(groups["attribution"])


def test_groups_are_in_the_order_of_the_readme_and_have_plain_titles() -> None:
    found = [(folder, title) for folder, title, _ in reference.groups()]
    order = [folder or "words" for folder in ORDER["glassbert"]]
    assert [folder for folder, _ in found] == [folder for folder in order if folder in dict(found)]
    assert {"words", "models", "text", "figures"} <= set(dict(found))
    assert dict(found)["attribution"] == "Attribution"
    assert all(title and "`" not in title and len(title) < 80 for _, title in found)
