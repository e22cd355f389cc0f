"""What pyproject.toml cannot say: the app's files, which stand at the top of the repository, are installed as
glassbert/_app, where their common names are in nobody's way. ``glassbert app`` runs them from there."""

from __future__ import annotations

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

APP = ["app.py", "pages/*.py", "components/**/*", ".streamlit/config.toml"]
SERVER = [f"scripts/{name}.py" for name in ("serve", "server", "asgi", "hardening")]


class WithoutThisFile(build_py):
    """What is at the top of the repository belongs to the app, and this file to neither."""

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        return [found for found in super().find_package_modules(package, package_dir) if found[1] != "setup"]


setup(
    packages=[*find_packages(include=["glassbert", "glassbert.*"]), "glassbert._app"],
    package_dir={"glassbert._app": "."},
    package_data={
        "glassbert": ["py.typed", "checkpoints/**/*", "datasets/**/*", "**/*.css", "**/*.js"],
        "glassbert._app": [*APP, *SERVER],
    },
    exclude_package_data={"": ["*.pyc"]},
    include_package_data=False,
    cmdclass={"build_py": WithoutThisFile},
)
