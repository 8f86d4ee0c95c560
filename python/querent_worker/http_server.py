"""HTTP of the standard library: routes, the token, bodies with a limit, errors as JSON. Knows no model.

Every path but the health check needs ``X-API-Key``. Results of long work are fetched with ``retrieve_future``, which waits
``_WAIT_S`` and then answers 408: ask again.
"""

from __future__ import annotations

import hmac
import json
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, Tuple
from urllib.parse import unquote, urlsplit

from .errors import WorkerError, bad_request
from .service import Service, to_json

_WAIT_S = 20.0
_PREFIX = "/api/v1/"
_FILES = re.compile(r"querent/files/([^/]+)/([^/]+)/([^/]+)(?:/([^/]+))?")
_RUN_CHECKPOINTS = re.compile(r"training_runs/([^/]+)/checkpoints")

#: Answered at once.
_DIRECT = ("create_session", "session_heartbeat", "create_sampling_session", "get_info", "weights_info")
#: Answered with a future.
_FUTURES = (
    "create_model",
    "unload_model",
    "forward",
    "forward_backward",
    "optim_step",
    "save_weights",
    "save_weights_for_sampler",
    "load_weights",
    "asample",
)


class WorkerServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: Tuple[str, int], service: Service, token: str, body_max: int) -> None:
        self.service = service
        self.token = token.encode()
        self.body_max = body_max
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        thrown = sys.exc_info()[1]
        if not isinstance(thrown, (ConnectionError, TimeoutError)):  # a client that went away is no event
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: WorkerServer
    timeout = 300
    # Headers and body leave in one piece and at once: waiting for acknowledgements costs 40 ms an answer.
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, format: str, *args: Any) -> None:
        """No line for each request: a training run makes thousands."""

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def do_PUT(self) -> None:
        self._answer(self._put)

    def _answer(self, work: Callable[[str], Any]) -> None:
        path = unquote(urlsplit(self.path).path)
        self._unread = int(self.headers.get("Content-Length") or 0)
        try:
            if path == f"{_PREFIX}healthz" and self.command == "GET":
                return self._send(200, {"status": "ok"})
            self._check_token()
            if not path.startswith(_PREFIX):
                raise _not_found(path)
            result = work(path.removeprefix(_PREFIX))
            if result is not None:
                self._send(200, result)
        except WorkerError as error:
            self._send(error.status, error.body())
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception as thrown:  # noqa: BLE001 - the client is told, the worker goes on
            self._send(500, WorkerError("worker/failed", f"{type(thrown).__name__}: {thrown}", status=500).body())

    def _check_token(self) -> None:
        given = self.headers.get("X-API-Key") or (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self.server.token):
            self.close_connection = True
            raise WorkerError(
                "worker/wrong-token",
                "the token is missing or wrong",
                next_step="Send the worker's token in the header X-API-Key",
                status=401,
            )

    def _send(self, status: int, value: Dict[str, Any]) -> None:
        body = to_json(value)
        if self._unread:
            self.close_connection = True  # what is left of the body would be read as the next request
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> Tuple[Dict[str, Any], bytes]:
        if "chunked" in (self.headers.get("Transfer-Encoding") or ""):
            self.close_connection = True
            raise WorkerError("worker/length-required", "a body needs a Content-Length", status=411)
        if self.headers.get("Content-Encoding") not in (None, "identity"):
            raise WorkerError("worker/encoding", "bodies are not compressed here", status=415)
        if self._unread > self.server.body_max:
            raise WorkerError(
                "worker/body-too-large",
                f"the body has {self._unread} bytes, at most {self.server.body_max} are taken",
                next_step="Send fewer sequences at a time (grpo.microBatchSize), or raise --body-mb",
                status=413,
            )
        raw = self.rfile.read(self._unread)
        self._unread = 0
        try:
            body = json.loads(raw or b"{}")
        except ValueError as thrown:
            raise bad_request(f"the body is not JSON: {thrown}") from None
        if not isinstance(body, dict):
            raise bad_request("the body is no JSON object")
        return body, raw

    def _get(self, path: str) -> Any:
        service = self.server.service
        if path == "get_server_capabilities":
            return service.capabilities()
        if (match := _RUN_CHECKPOINTS.fullmatch(path)) is not None:
            return service.list_checkpoints(match[1])
        if (match := _FILES.fullmatch(path)) is not None:
            directory = service.checkpoints.resolve(f"tinker://{match[1]}/{match[2]}/{match[3]}")
            if match[4] is None:
                return {"files": service.checkpoints.files(directory)}
            return self._send_file(service, directory, match[4])
        raise _not_found(path)

    def _send_file(self, service: Service, directory: Any, name: str) -> None:
        path = service.checkpoints.file(directory, name)
        if not path.is_file():
            raise _not_found(name)
        with path.open("rb") as file:
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(path.stat().st_size))
            self.end_headers()
            while block := file.read(1 << 20):
                self.wfile.write(block)

    def _put(self, path: str) -> Any:
        match = _FILES.fullmatch(path)
        if match is None or match[4] is None:
            raise _not_found(path)
        checkpoints = self.server.service.checkpoints
        directory = checkpoints.directory(match[1], match[2], match[3])
        length, self._unread = self._unread, 0
        checkpoints.receive(directory, match[4], self.rfile, length)
        return {"bytes": length}

    def _post(self, path: str) -> Any:
        service = self.server.service
        body, raw = self._body()
        if path == "retrieve_future":
            return self._retrieve(body)
        if path in _DIRECT:
            return getattr(service, path)(body)
        if path in _FUTURES:
            return getattr(service, path)(body, raw)
        if path == "querent/freeze_reference":
            return service.freeze_reference(body, raw)
        if path == "querent/sample":
            return service.sample_prompts(body, raw)
        if path == "querent/delete_weights":
            service.checkpoints.remove(str(body.get("path")))
            return {}
        # What the official SDK asks before anything else: no feature beyond plain JSON.
        if path in ("client/config", "client/dynamic_config"):
            return {"pjwt_auth_enabled": False, "use_pyqwest_transport": False}
        if path == "telemetry":
            return {"status": "accepted"}
        raise _not_found(path)

    def _retrieve(self, body: Dict[str, Any]) -> Any:
        request_id = str(body.get("request_id"))
        job = self.server.service.futures.wait(request_id, _WAIT_S)
        if job is None:
            self._send(408, {"type": "try_again", "request_id": request_id, "queue_state": "active"})
            return None
        if job.error is not None:
            raise job.error
        return job.result


def _not_found(path: str) -> WorkerError:
    return WorkerError("worker/not-found", f"there is nothing at {path}", status=404)
