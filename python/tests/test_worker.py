"""The worker as others see it: the official Tinker SDK as a client of its own, and what its parts promise."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

PYTHON = Path(__file__).resolve().parents[1]
MISSING = [name for name in ("torch", "transformers", "peft") if importlib.util.find_spec(name) is None]
TOKEN = "tml-for-this-test"


def make_model(directory: Path) -> None:
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        tie_word_embeddings=True,
        initializer_range=0.3,
        bos_token_id=None,
        eos_token_id=1,
    )
    Qwen2ForCausalLM(config).save_pretrained(directory)


@unittest.skipIf(MISSING, f"not installed: {', '.join(MISSING)}")
class OfficialClient(unittest.TestCase):
    """The SDK of Thinking Machines, last version that takes JSON answers."""

    @classmethod
    def setUpClass(cls) -> None:
        if importlib.util.find_spec("tinker") is None:
            raise unittest.SkipTest("not installed: tinker")
        cls.folder = tempfile.TemporaryDirectory(prefix="querent-worker-")
        root = Path(cls.folder.name)
        cls.model = str(root / "model")
        make_model(root / "model")
        arguments = ["--model", cls.model, "--port", "0", "--device", "cpu", "--threads", "1"]
        cls.worker = subprocess.Popen(
            [sys.executable, "-m", "querent_worker", *arguments, "--checkpoints", str(root / "saved")],
            cwd=PYTHON,
            env={**os.environ, "QUERENT_WORKER_TOKEN": TOKEN, "HF_HUB_OFFLINE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        cls.url = json.loads(cls.worker.stdout.readline())["url"]

    @classmethod
    def tearDownClass(cls) -> None:
        cls.worker.terminate()
        cls.worker.wait(60)
        cls.worker.stdout.close()
        cls.folder.cleanup()

    def client(self) -> Any:
        import tinker

        return tinker.ServiceClient(base_url=self.url, api_key=TOKEN)

    def test_trains_samples_saves_and_goes_on(self) -> None:
        from tinker import types

        service = self.client()
        names = [model.model_name for model in service.get_server_capabilities().supported_models]
        self.assertEqual(names, [self.model])
        training = service.create_lora_training_client(base_model=self.model, rank=4, seed=3)
        self.assertEqual(training.get_info().lora_rank, 4)
        tokens = list(range(5, 15))
        inputs = {"target_tokens": tokens[1:], "weights": [1.0] * 9}
        datum = types.Datum(model_input=types.ModelInput.from_ints(tokens[:-1]), loss_fn_inputs=inputs)
        losses = []
        for _ in range(6):
            forward_backward = training.forward_backward([datum], "cross_entropy")
            step = training.optim_step(types.AdamParams(learning_rate=1e-2))
            losses.append(forward_backward.result().metrics["loss:sum"])
            self.assertGreater(step.result().metrics["grad_norm"], 0)
        self.assertLess(losses[-1], losses[0] / 2)

        row = training.forward([datum], "cross_entropy").result().loss_fn_outputs[0]["logprobs"].data
        sampler = training.save_weights_and_get_sampling_client()
        scored = sampler.compute_logprobs(types.ModelInput.from_ints(tokens)).result()
        self.assertIsNone(scored[0])
        for ours, theirs in zip(scored[1:], row):
            self.assertAlmostEqual(ours, theirs, places=4)
        params = types.SamplingParams(max_tokens=6, temperature=1.0, seed=1)
        prompt = types.ModelInput.from_ints([5, 6, 7])
        sequences = sampler.sample(prompt=prompt, num_samples=3, sampling_params=params).result().sequences
        self.assertEqual(len(sequences), 3)
        for sequence in sequences:
            self.assertEqual(len(sequence.logprobs), len(sequence.tokens))

        path = training.save_state("first").result().path
        other = service.create_training_client_from_state(path)
        same = other.forward([datum], "cross_entropy").result().loss_fn_outputs[0]["logprobs"].data
        for ours, theirs in zip(same, row):
            self.assertAlmostEqual(ours, theirs, places=5)
        # The sampler's weights stay what they were while training goes on.
        training.forward_backward([datum], "cross_entropy").result()
        training.optim_step(types.AdamParams(learning_rate=1e-1)).result()
        self.assertEqual(sampler.compute_logprobs(types.ModelInput.from_ints(tokens)).result(), scored)

    def test_rejects_a_wrong_token(self) -> None:
        import tinker

        with self.assertRaises(tinker.AuthenticationError):
            tinker.ServiceClient(base_url=self.url, api_key="tml-wrong").get_server_capabilities()


@unittest.skipIf(MISSING, f"not installed: {', '.join(MISSING)}")
class Parts(unittest.TestCase):
    def test_names_what_to_reduce_where_memory_is_full(self) -> None:
        import torch

        from querent_worker.errors import as_worker_error

        for doing, advice in (("train", "--token-budget"), ("sample", "--sample-rows"), ("load", "nf4")):
            try:
                torch.empty(2**50)
            except RuntimeError as thrown:
                error = as_worker_error(thrown, doing, budget=4096, rows=64)
            self.assertEqual(error.code, "worker/out-of-memory")
            self.assertIn(advice, error.next_step)
        self.assertEqual(as_worker_error(KeyError("x"), "train", budget=1, rows=1).code, "worker/failed")

    def test_filters_in_order_and_keeps_the_best(self) -> None:
        import torch

        from querent_worker.sampling import SamplingParams, filter_probabilities

        row = torch.tensor([[0.05, 0.4, 0.3, 0.2, 0.05]])

        def kept(top_k: int = -1, top_p: float = 1.0, floor: float = 0.0) -> list:
            params = SamplingParams(1, 1.0, top_k, top_p, floor, ())
            return filter_probabilities(row, params)[0].nonzero()[:, 0].tolist()

        self.assertEqual(kept(), [0, 1, 2, 3, 4])
        self.assertEqual(kept(top_k=2), [1, 2])
        self.assertEqual(kept(top_p=0.5), [1, 2])
        self.assertEqual(kept(top_p=0.01), [1])
        self.assertEqual(kept(floor=0.1), [1, 2, 3])
        self.assertEqual(kept(floor=0.9), [1])
        self.assertEqual(kept(top_k=3, top_p=0.75, floor=0.35), [1])

    def test_never_draws_what_cannot_be(self) -> None:
        import torch

        from querent_worker.sampling import SamplingParams, choose

        logits = torch.tensor([[-math.inf, 0.0, 1.0]]).nan_to_num(neginf=-1e9)
        for uniform in (0.0, 0.2689, 0.269, 1 - 2**-24):
            token, _drawn, _policy = choose(logits, SamplingParams(1, 1.0, -1, 1.0, 0.0, ()), torch.tensor([uniform]))
            self.assertIn(token.item(), (1, 2))

    def test_checkpoints_stay_in_their_folder(self) -> None:
        from querent_worker.checkpoints import Checkpoints
        from querent_worker.errors import WorkerError

        with tempfile.TemporaryDirectory() as name:
            checkpoints = Checkpoints(Path(name))
            for path in ("tinker://../weights/x", "tinker://m/weights/..", "tinker://m/weights/.x", "/etc", "tinker://m/x/y"):
                with self.subTest(path=path), self.assertRaises(WorkerError):
                    checkpoints.resolve(path)
            with self.assertRaises(WorkerError):
                checkpoints.file(Path(name), "../../x.json")


if __name__ == "__main__":
    unittest.main()
