"""Exported models read by independent programs: ONNX by onnxruntime, GGUF by the gguf package and transformers.

Reads one JSON list of jobs on standard input, answers with one JSON list. A job is one of
  {"do": "onnx", "file", "prompts", "newTokens"}              greedy continuations, token by token with the cache
  {"do": "gguf", "directory", "file", "prompts", "newTokens"} the keys and tensor types, and greedy continuations
  {"do": "q8", "values"}                                      float32 values (base64) as the bytes of Q8_0 (base64)
  {"do": "requantize", "full", "quantized"}                   tensors of the quantized file that are not the full one's, quantized
"""

import json
import sys


def onnx(job):
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(job["file"], options, providers=["CPUExecutionProvider"])
    cached = [i for i in session.get_inputs() if i.name.startswith("past_key_values.")]
    names = [output.name for output in session.get_outputs()]
    greedy = []
    for prompt in job["prompts"]:
        past = {i.name: np.zeros((1, i.shape[1], 0, i.shape[3]), np.float32) for i in cached}
        tokens, start, answer = np.array([prompt], np.int64), 0, []
        for _ in range(job["newTokens"]):
            total = start + tokens.shape[1]
            feeds = {
                "input_ids": tokens,
                "attention_mask": np.ones((1, total), np.int64),
                "position_ids": np.arange(start, total, dtype=np.int64)[None],
                **past,
            }
            results = dict(zip(names, session.run(names, feeds)))
            best = int(results["logits"][0, -1].argmax())
            answer.append(best)
            past = {name: results[name.replace("past_key_values", "present")] for name in past}
            tokens, start = np.array([[best]], np.int64), total
        greedy.append(answer)
    return {"greedy": greedy}


def gguf(job):
    import os

    import torch
    from gguf import GGUFReader
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(1)
    reader = GGUFReader(os.path.join(job["directory"], job["file"]))
    keys = {
        name: field.contents()
        for name, field in reader.fields.items()
        if not name.startswith("GGUF.") and name not in ("tokenizer.ggml.tokens", "tokenizer.ggml.merges")
    }
    model = AutoModelForCausalLM.from_pretrained(job["directory"], gguf_file=job["file"], dtype=torch.float32).eval()
    model.generation_config.eos_token_id = None
    greedy = []
    with torch.inference_mode():
        for prompt in job["prompts"]:
            ids = torch.tensor([prompt])
            out = model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=job["newTokens"],
                do_sample=False,
                pad_token_id=0,
            )
            greedy.append(out[0, len(prompt) :].tolist())
    return {
        "keys": {name: value for name, value in keys.items() if not isinstance(value, list)},
        "types": sorted({tensor.tensor_type.name for tensor in reader.tensors}),
        "greedy": greedy,
    }


def q8(job):
    from base64 import b64decode, b64encode

    import numpy as np
    from gguf import GGMLQuantizationType, quantize

    # Scales below half precision divide by zero on the way to a code that is 0 either way.
    with np.errstate(all="ignore"):
        values = np.frombuffer(b64decode(job["values"]), np.float32)
        return {"bytes": b64encode(quantize(values, GGMLQuantizationType.Q8_0).tobytes()).decode()}


def requantize(job):
    from gguf import GGUFReader, quantize

    full = {tensor.name: tensor for tensor in GGUFReader(job["full"]).tensors}
    quantized = {tensor.name: tensor for tensor in GGUFReader(job["quantized"]).tensors}
    different = set(full) ^ set(quantized)
    for name in set(full) & set(quantized):
        kind = quantized[name].tensor_type
        expected = "F32" if full[name].data.ndim == 1 else "Q8_0"
        if kind.name != expected or quantize(full[name].data, kind).tobytes() != quantized[name].data.tobytes():
            different.add(name)
    return {"different": sorted(different)}


if __name__ == "__main__":
    actions = {"onnx": onnx, "gguf": gguf, "q8": q8, "requantize": requantize}
    answers = [actions[job["do"]](job) for job in json.load(sys.stdin)]
    print("\n" + json.dumps(answers))
