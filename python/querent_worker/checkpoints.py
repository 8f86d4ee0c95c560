"""Saved weights on the worker's disk: ``ROOT/MODEL/KIND/NAME/``, whole or not there. Knows paths and names, no tensors."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any, BinaryIO, Callable, Dict, List, Optional

from .errors import WorkerError, bad_request

KINDS = ("weights", "sampler_weights")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}\.(safetensors|json|model|txt|jinja)")
_PATH = re.compile(r"tinker://([^/]+)/(?:(weights|sampler_weights)/)?([^/]+)")
_FACTS = "worker.json"
_BLOCK = 1 << 20


class Checkpoints:
    def __init__(self, root: Path) -> None:
        self.root = root

    def directory(self, model_id: str, kind: str, name: str) -> Path:
        for part in (model_id, name):
            if not _NAME.fullmatch(part):
                raise bad_request(f"{part!r} is no name for saved weights", "Use letters, digits, '_', '-' and '.'")
        if kind not in KINDS:
            raise bad_request(f"{kind!r} is no kind of weights; known are {', '.join(KINDS)}")
        return self.root / model_id / kind / name

    def resolve(self, path: str) -> Path:
        """The directory of ``tinker://MODEL/KIND/NAME``."""
        match = _PATH.fullmatch(path)
        if match is None:
            raise bad_request(f"{path!r} is no path of weights", "Expected tinker://MODEL/weights/NAME")
        directory = self.directory(match[1], match[2] or "sampler_weights", match[3])
        if not directory.is_dir():
            raise WorkerError("worker/no-weights", f"there are no weights {path}", status=404)
        return directory

    def write(
        self, model_id: str, kind: str, name: str, facts: Dict[str, Any], fill: Callable[[Path], None]
    ) -> str:
        """The directory appears whole or not at all; one of the same name is replaced."""
        directory = self.directory(model_id, kind, name)
        partial = directory.with_name(f".{name}.part")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            fill(partial)
            (partial / _FACTS).write_text(json.dumps(facts) + "\n", encoding="utf-8")
            if directory.exists():
                shutil.rmtree(directory)
            partial.rename(directory)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        return f"tinker://{model_id}/{kind}/{name}"

    def facts(self, directory: Path) -> Dict[str, Any]:
        path = directory / _FACTS
        if not path.exists():
            raise bad_request(f"{directory.name} was not saved by this worker")
        return json.loads(path.read_text(encoding="utf-8"))

    def files(self, directory: Path) -> List[Dict[str, Any]]:
        names = sorted(path for path in directory.iterdir() if _FILE.fullmatch(path.name) and path.name != _FACTS)
        return [{"name": path.name, "bytes": path.stat().st_size} for path in names]

    def file(self, directory: Path, name: str) -> Path:
        if not _FILE.fullmatch(name):
            raise bad_request(f"{name!r} is no file of saved weights")
        return directory / name

    def receive(self, directory: Path, name: str, source: BinaryIO, length: int) -> None:
        """A file that a client brings, for example to go on elsewhere."""
        path = self.file(directory, name)
        directory.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{name}.part")
        with partial.open("wb") as target:
            while length > 0:
                block = source.read(min(length, _BLOCK))
                if not block:
                    partial.unlink()
                    raise bad_request(f"{name} ended early")
                target.write(block)
                length -= len(block)
        partial.replace(path)

    def remove(self, path: str) -> None:
        shutil.rmtree(self.resolve(path), ignore_errors=True)

    def list(self, model_id: str) -> List[Dict[str, Optional[str]]]:
        found = []
        for kind in KINDS:
            folder = self.directory(model_id, kind, "x").parent
            for path in sorted(folder.iterdir()) if folder.is_dir() else []:
                if _NAME.fullmatch(path.name):
                    found.append(
                        {
                            "checkpoint_id": f"{kind}/{path.name}",
                            "checkpoint_type": "training" if kind == "weights" else "sampler",
                            "tinker_path": f"tinker://{model_id}/{kind}/{path.name}",
                        }
                    )
        return found
