"""What the package promises to whoever installs it: clients for Python 3.9 without a dependency, and the worker beside them."""

from __future__ import annotations

import ast
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import List

PYTHON = Path(__file__).resolve().parents[1]
FILES = sorted((PYTHON / "querent_rewards").glob("*.py"))
#: For Python 3.9, which has no sys.stdlib_module_names: what the package may use.
FALLBACK = frozenset("__future__ concurrent dataclasses email http json logging os random threading time".split())
STANDARD = getattr(sys, "stdlib_module_names", FALLBACK | {"typing", "urllib"})


def imported(tree: ast.AST) -> List[str]:
    names: List[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
    return [name.split(".")[0] for name in names]


class Package(unittest.TestCase):
    def test_is_python_3_9_and_standard_library_only(self) -> None:
        self.assertGreater(len(FILES), 5)
        for file in FILES:
            with self.subTest(file=file.name):
                tree = ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 9))
                self.assertEqual([n for n in imported(tree) if n not in STANDARD and n != "querent_rewards"], [])

    @unittest.skipIf(importlib.util.find_spec("setuptools") is None, "not installed: setuptools")
    def test_installs_without_a_package_index(self) -> None:
        with tempfile.TemporaryDirectory(prefix="querent-install-") as name:
            source, target = Path(name) / "source", Path(name) / "target"
            # A build leaves files beside the source.
            shutil.copytree(PYTHON, source, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation"]
            subprocess.run([*pip, "--target", str(target), str(source)], check=True, timeout=120)
            folders = sorted(path.name for path in target.iterdir() if path.is_dir())
            expected = ["bin", "querent_rewards", "querent_rewards-0.1.0.dist-info", "querent_worker"]
            self.assertEqual(folders, expected)
            self.assertTrue((target / "querent_rewards" / "py.typed").exists())
            program = (
                f"import json, sys; sys.path.insert(0, {str(target)!r})\n"
                "import querent_rewards.trl, querent_rewards.verl\n"
                "print(json.dumps(querent_rewards.__file__))"
            )
            shown = subprocess.run([sys.executable, "-I", "-c", program], check=True, capture_output=True, text=True)
            self.assertEqual(Path(json.loads(shown.stdout)).parent, target / "querent_rewards")
