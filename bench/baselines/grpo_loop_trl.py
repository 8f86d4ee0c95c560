"""TRL's GRPOTrainer on CPU for `bench/grpo-loop.ts`: same checkpoint, prompts, group size, lengths and reward.

Written as well as a careful user would: one read-only connection, gold results cached, a verdict for a query computed
once, a timeout, prompts as token ids without padding to a fixed length, no reference model, no recomputation of old
log-probabilities (one update a batch), no logging, no checkpoints.
"""

import json
import re
import sqlite3
import time
from collections import Counter

import torch
import trl
from datasets import Dataset
from stdio import serve
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

TIMEOUT_S = 5.0
setup = {}


class Judge:
    """1 the rows of the gold query, 0.1 other rows, 0 an error, None where the gold fails: Querent's default reward."""

    def __init__(self, database):
        self.connection = sqlite3.connect(f"file:{database}?mode=ro&immutable=1", uri=True)
        self.gold = {}
        self.verdicts = {}

    def rows(self, sql):
        deadline = time.monotonic() + TIMEOUT_S
        self.connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
        try:
            return self.connection.execute(sql).fetchall()
        except (sqlite3.Error, sqlite3.Warning):
            return None
        finally:
            self.connection.set_progress_handler(None, 0)

    def score(self, gold_sql, sql):
        key = (gold_sql, sql)
        if key not in self.verdicts:
            self.verdicts[key] = self.judge(gold_sql, sql)
        return self.verdicts[key]

    def judge(self, gold_sql, sql):
        if gold_sql not in self.gold:
            self.gold[gold_sql] = self.rows(gold_sql)
        gold = self.gold[gold_sql]
        if gold is None:
            return None
        if sql.strip() == gold_sql.strip():
            return 1.0
        rows = self.rows(sql)
        if rows is None:
            return 0.0
        ordered = "order by" in gold_sql.lower()
        same = rows == gold if ordered else Counter(rows) == Counter(gold)
        if same and not gold:
            return None
        return 1.0 if same else 0.1


def load(model, eos_id, pad_id, database, prompts, group_size, max_new_tokens, learning_rate, threads):
    """`prompts`: token ids, gold SQL, and as JSON the literals behind the placeholders (slot -> facet -> literal)."""
    torch.set_num_threads(threads)
    setup.update(locals())
    setup["judge"] = Judge(database)
    setup["tokenizer"] = PreTrainedTokenizerFast(
        tokenizer_file=f"{model}/tokenizer.json", clean_up_tokenization_spaces=False
    )
    return {"torch": torch.__version__, "trl": trl.__version__, "threads": torch.get_num_threads()}


PLACEHOLDER = re.compile(r"<v(\d)>(?: (:[a-z_]+))?")


def sql_of(ids, values):
    """Tokens to SQL: the text up to the stop token with the literals put back; None if it was cut off."""
    if setup["eos_id"] not in ids:
        return None
    text = setup["tokenizer"].decode(ids[: ids.index(setup["eos_id"])]).replace("~", " ")
    return PLACEHOLDER.sub(lambda m: values.get(m[1], {}).get(m[2] or "", "?"), text)


def reward(prompts, completions, completion_ids, gold, values, **_):
    judge = setup["judge"]
    scores = []
    for ids, gold_sql, known in zip(completion_ids, gold, values, strict=True):
        sql = sql_of(ids, json.loads(known))
        # Cut off before its end: left out, as in Querent (TRL's mask_truncated_completions does the same to the loss).
        scores.append(None if sql is None else judge.score(gold_sql, sql))
    setup["rewards"].extend(score for score in scores if score is not None)
    setup["tokens"] += sum(len(ids) for ids in completion_ids)
    setup["completions"] += len(completion_ids)
    return scores


def render(samples):
    """SQL of given completions, to check that both sides read tokens alike."""
    return [sql_of(sample["ids"], json.loads(sample["values"])) for sample in samples]


def score(pairs):
    """Scores of (gold, predicted) pairs, to check that both sides judge alike."""
    judge = setup["judge"]
    return [judge.score(gold, predicted) for gold, predicted in pairs]


class IdsTrainer(GRPOTrainer):
    """Prompts arrive as token ids; the text column is only their number."""

    def _tokenize_prompts(self, prompts):
        return [setup["prompts"][int(prompt)]["ids"] for prompt in prompts], None, {}


class Clock(TrainerCallback):
    """Starts after the first step, which pays for what is done once."""

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == 1:
            setup.update(started=time.perf_counter(), completions=0, tokens=0, rewards=[])


def run(steps, prompts_per_step, seed, output):
    """Completions a second over `steps` steps after one that is not counted, from the saved checkpoint."""
    tokenizer = setup["tokenizer"]
    tokenizer.eos_token = tokenizer.convert_ids_to_tokens(setup["eos_id"])
    tokenizer.pad_token = tokenizer.convert_ids_to_tokens(setup["pad_id"])
    model = AutoModelForCausalLM.from_pretrained(setup["model"], dtype=torch.float32, attn_implementation="sdpa")
    data = Dataset.from_list(
        [{"prompt": str(i), "gold": p["gold"], "values": p["values"]} for i, p in enumerate(setup["prompts"])]
    )
    config = GRPOConfig(
        output_dir=output,
        use_cpu=True,
        bf16=False,
        per_device_train_batch_size=prompts_per_step * setup["group_size"],
        num_generations=setup["group_size"],
        max_completion_length=setup["max_new_tokens"],
        temperature=1.0,
        beta=0.0,
        loss_type="dapo",
        epsilon=0.2,
        epsilon_high=0.28,
        mask_truncated_completions=True,
        learning_rate=setup["learning_rate"],
        lr_scheduler_type="constant",
        optim="adamw_torch",
        max_steps=steps + 1,
        seed=seed,
        gradient_checkpointing=False,
        disable_dropout=True,
        logging_steps=10**6,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    setup.update(completions=0, tokens=0, rewards=[])
    trainer = IdsTrainer(
        model=model,
        args=config,
        reward_funcs=reward,
        train_dataset=data,
        processing_class=tokenizer,
        callbacks=[Clock()],
    )
    trainer.train()
    seconds = time.perf_counter() - setup["started"]
    rewards = setup["rewards"]
    return {
        "completionsPerSecond": setup["completions"] / seconds,
        "tokensPerSecond": setup["tokens"] / seconds,
        "tokensPerCompletion": setup["tokens"] / max(1, setup["completions"]),
        "rewardMean": sum(rewards) / max(1, len(rewards)),
        "completions": setup["completions"],
    }


if __name__ == "__main__":
    serve(load=load, render=render, score=score, run=run)
