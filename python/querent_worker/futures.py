"""Long work as futures: one thread does it in order, answers wait to be fetched. Knows no HTTP and no model.

A request that may have been lost can be sent again: the same (model, seq_id) with the same body is the same future.
"""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from collections import OrderedDict, deque
from typing import Any, Callable, Deque, Dict, List, Optional

from .errors import WorkerError

_FINISHED_MAX = 2000


class Job:
    """``merge_key``: neighbours in the queue with an equal key may be done in one go."""

    def __init__(self, work: Callable[[List["Job"]], List[Any]], payload: Any, merge_key: Optional[tuple]) -> None:
        self.id = uuid.uuid4().hex
        self.work = work
        self.payload = payload
        self.merge_key = merge_key
        self.done = threading.Event()
        self.result: Any = None
        self.error: Optional[WorkerError] = None


class Futures:
    def __init__(self, on_error: Callable[[BaseException], WorkerError], merge_max: int = 1024) -> None:
        self._on_error = on_error
        self._merge_max = merge_max
        self._queue: Deque[Job] = deque()
        self._jobs: "OrderedDict[str, Job]" = OrderedDict()
        self._known: Dict[tuple, tuple[str, str]] = {}
        self._condition = threading.Condition()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self._thread.start()

    def submit(
        self,
        work: Callable[[List[Job]], List[Any]],
        payload: Any,
        *,
        identity: Optional[tuple] = None,
        body: bytes = b"",
        merge_key: Optional[tuple] = None,
    ) -> str:
        digest = hashlib.sha256(body).hexdigest()
        with self._condition:
            if identity is not None and identity in self._known:
                known_id, known_digest = self._known[identity]
                if known_digest != digest:
                    raise WorkerError(
                        "worker/seq-id-reused", f"seq_id {identity[-1]} was used for another request", status=409
                    )
                return known_id
            job = Job(work, payload, merge_key)
            self._jobs[job.id] = job
            if identity is not None:
                self._known[identity] = (job.id, digest)
                if len(self._known) > 2 * _FINISHED_MAX:
                    self._known.pop(next(iter(self._known)))
            self._queue.append(job)
            self._evict()
            self._condition.notify_all()
            return job.id

    def wait(self, request_id: str, seconds: float) -> Optional[Job]:
        """The job once it is finished; None where it still runs after that long."""
        job = self._jobs.get(request_id)
        if job is None:
            raise WorkerError(
                "worker/unknown-future", f"there is no request {request_id!r}, or its answer is gone", status=404
            )
        return job if job.done.wait(seconds) else None

    def is_idle(self) -> bool:
        return all(job.done.is_set() for job in list(self._jobs.values()))

    def close(self) -> None:
        with self._condition:
            self._is_closed = True
            self._condition.notify_all()

    def _evict(self) -> None:
        surplus = len(self._jobs) - _FINISHED_MAX
        for job_id in [job.id for job in self._jobs.values() if job.done.is_set()][: max(0, surplus)]:
            del self._jobs[job_id]

    def _take(self) -> Optional[List[Job]]:
        with self._condition:
            while not self._queue and not self._is_closed:
                self._condition.wait()
            if self._is_closed:
                return None
            first = self._queue.popleft()
        if first.merge_key is None:
            return [first]
        # A client sends its prompts one by one; wait a moment for those that are on their way.
        time.sleep(0.003)
        jobs = [first]
        with self._condition:
            while self._queue and self._queue[0].merge_key == first.merge_key and len(jobs) < self._merge_max:
                jobs.append(self._queue.popleft())
        return jobs

    def _run(self) -> None:
        while True:
            jobs = self._take()
            if jobs is None:
                return
            try:
                for job, result in zip(jobs, jobs[0].work(jobs)):
                    job.result = result
            except Exception as thrown:  # noqa: BLE001 - whatever went wrong is the answer
                error = self._on_error(thrown)
                for job in jobs:
                    job.error = error
            for job in jobs:
                job.payload = None
                job.done.set()
