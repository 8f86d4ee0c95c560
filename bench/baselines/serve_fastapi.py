"""The same checkpoint behind FastAPI and transformers' generate, as such services are written: one model, one request after
the other, greedy.

It gets prompts as token ids and gives token ids back, so that it does the work of the model and nothing else: no tokenizer,
no linking of values, no database. Prints its port; ends with its standard input.
"""

import os
import signal
import socket
import sys
import threading

import torch
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from transformers import AutoModelForCausalLM

directory, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)
model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
app = FastAPI()
# Requests at the same time would only take the cores from each other.
lock = threading.Lock()


class Prompt(BaseModel):
    tokens: list[int]
    stop: list[int]
    max_new_tokens: int


@app.post("/generate")
def generate(prompt: Prompt):
    ids = torch.tensor([prompt.tokens])
    with lock, torch.inference_mode():
        out = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            max_new_tokens=prompt.max_new_tokens,
            eos_token_id=prompt.stop,
            pad_token_id=0,
        )
    return {"tokens": out[0, ids.shape[1] :].tolist()}


listener = socket.create_server(("127.0.0.1", 0))
server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, timeout_keep_alive=600))
print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)


def end_with_input():
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


threading.Thread(target=end_with_input, daemon=True).start()
server.run(sockets=[listener])
