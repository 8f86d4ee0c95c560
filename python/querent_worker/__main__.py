"""``querent-worker --model NAME_OR_DIRECTORY``: reads the command line, starts the server, prints where it listens."""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import secrets
import signal
import sys
import threading
from pathlib import Path
from typing import List, Optional

from . import PROTOCOL, __version__

_TOKEN_VARIABLE = "QUERENT_WORKER_TOKEN"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="querent-worker", description=__doc__)
    add = parser.add_argument
    add("--model", required=True, help="Hugging Face name or directory of the base model")
    add("--host", default="127.0.0.1", help="address to listen on; any but this machine's own needs a token")
    add("--port", type=int, default=8788, help="0 takes a free one")
    add("--token", help=f"default: ${_TOKEN_VARIABLE}; on this machine's own address one is made up and printed")
    add("--device", default="auto", help="auto, cuda, cuda:1, mps or cpu")
    add("--dtype", default="auto", choices=("auto", "float32", "bfloat16", "float16"), help="of the frozen base")
    add("--quantization", default="none", choices=("none", "nf4", "int8"), help="of the frozen base; CUDA only")
    add("--gradient-checkpointing", action=argparse.BooleanOptionalAction, help="default: on a GPU")
    add("--token-budget", type=int, help="tokens of one forward and backward pass (16384 on a GPU, else 4096)")
    add("--sample-rows", type=int, help="sequences sampled at once (256 on a GPU, else 64)")
    add("--max-length", type=int, help="longest sequence; default: what the model was made for")
    add("--sampler", default="transformers", choices=("transformers", "vllm"), help="what samples with an adapter")
    add("--vllm-memory", type=float, default=0.4, help="share of the GPU's memory that vLLM may take")
    add("--checkpoints", type=Path, default=Path("querent-worker"), help="folder for saved weights")
    add("--threads", type=int, help="threads of one operation on a CPU")
    add("--body-mb", type=int, default=1024, help="largest body of a request")
    add("--version", action="version", version=f"querent-worker {__version__}, protocol {PROTOCOL}")
    return parser


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _token(given: Optional[str], host: str) -> tuple[str, bool]:
    """The token, and whether it was made up here. The prefix is the one that the official SDK insists on."""
    token = given or os.environ.get(_TOKEN_VARIABLE)
    if token:
        return token, False
    if not _is_loopback(host):
        raise SystemExit(
            f"querent-worker: {host} can be reached from other machines, and there is no token.\n"
            f"next: export {_TOKEN_VARIABLE}=tml-$(openssl rand -hex 24), or listen on 127.0.0.1"
        )
    return f"tml-{secrets.token_hex(24)}", True


def main(arguments: Optional[List[str]] = None) -> None:
    options = _parser().parse_args(arguments)
    token, is_made_up = _token(options.token, options.host)
    try:
        import torch
        import transformers

        from .base_model import Settings, choose_device, choose_dtype
        from .http_server import WorkerServer
        from .service import Service
    except ImportError as missing:
        raise SystemExit(f"querent-worker: {missing}\nnext: pip install 'querent-rewards[worker]'") from None
    transformers.utils.logging.disable_progress_bar()
    if options.threads:
        torch.set_num_threads(options.threads)
    device = choose_device(options.device)
    is_gpu = device.type != "cpu"
    checkpointing = options.gradient_checkpointing
    settings = Settings(
        model=options.model,
        device=device,
        dtype=choose_dtype(options.dtype, device),
        quantization=options.quantization,
        gradient_checkpointing=is_gpu if checkpointing is None else checkpointing,
        token_budget=options.token_budget or (16384 if is_gpu else 4096),
        sample_rows=options.sample_rows or (256 if is_gpu else 64),
        max_length=options.max_length,
        checkpoints=options.checkpoints.resolve(),
        sampler=options.sampler,
        vllm_memory=options.vllm_memory,
    )
    try:
        service = Service(settings)
    except (OSError, ValueError) as thrown:
        raise SystemExit(f"querent-worker: cannot read the model {options.model}: {thrown}") from None
    server = WorkerServer((options.host, options.port), service, token, options.body_mb << 20)
    host, port = server.server_address[0], server.server_address[1]
    shown = f"[{host}]" if ":" in str(host) else host
    started = {"event": "listening", "url": f"http://{shown}:{port}", "version": __version__, "protocol": PROTOCOL}
    started |= {"model": options.model, "device": str(device), **({"token": token} if is_made_up else {})}
    print(json.dumps(started), flush=True)
    # shutdown() waits for the loop below and must not be called from its own thread.
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
    server.server_close()
    service.futures.close()


if __name__ == "__main__":
    sys.exit(main())
