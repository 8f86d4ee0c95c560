"""Tokenizers of the kinds that language models carry, trained small with Python's tokenizers, and what transformers makes of texts.

Reads one JSON list of jobs on standard input, answers with one JSON list. A job is
  {"directory", "kind": "qwen2" | "llama3" | "llama2", "corpus": [...], "vocabSize", "chatTemplate", "texts": [...],
   "chats": [{"messages": [...], "addGenerationPrompt", "variables"}]}
and leaves tokenizer.json and tokenizer_config.json in the directory.
"""

import json
import os
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

# The patterns as they stand in the tokenizer.json of Qwen/Qwen2.5-0.5B and meta-llama/Meta-Llama-3-8B.
QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIAL = {
    "qwen2": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
    "llama3": ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
    "llama2": ["<unk>", "<s>", "</s>"],
}
# Qwen pads with its end of text; Llama and Mistral come without a pad token.
ROLES = {
    "qwen2": {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"},
    "llama3": {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"},
    "llama2": {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
}


def byte_level(pattern, corpus, size, special, normalizer):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=sorted(alphabet), show_progress=False)
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in special])
    return tokenizer


def sentence_piece(corpus, size, special):
    """Llama 2 and Mistral: no pre-tokenizer, spaces as U+2581, bytes for what is unknown."""
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    trained = Tokenizer(models.BPE(unk_token="<unk>"))
    trained.normalizer = normalizers.Replace(" ", "▁")
    trained.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=special + bytes_, show_progress=False)
    trained.train_from_iterator(corpus, trainer)
    raw = json.loads(trained.to_str())["model"]
    merges = [tuple(merge) for merge in raw["merges"]]
    model = models.BPE(raw["vocab"], merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in special])
    return tokenizer


def make(job):
    kind, special = job["kind"], SPECIAL[job["kind"]]
    if kind == "llama2":
        return sentence_piece(job["corpus"], job["vocabSize"], special)
    pattern, normalizer = (QWEN2, normalizers.NFC()) if kind == "qwen2" else (LLAMA3, None)
    return byte_level(pattern, job["corpus"], job["vocabSize"], special, normalizer)


def answer(job):
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=make(job),
        clean_up_tokenization_spaces=False,
        chat_template=job["chatTemplate"],
        **ROLES[job["kind"]],
    )
    os.makedirs(job["directory"], exist_ok=True)
    tokenizer.save_pretrained(job["directory"])
    reread = PreTrainedTokenizerFast.from_pretrained(job["directory"])
    ids = [reread(text, add_special_tokens=False)["input_ids"] for text in job["texts"]]
    chats = []
    for chat in job["chats"]:
        arguments = {"add_generation_prompt": chat["addGenerationPrompt"], **chat["variables"]}
        text = reread.apply_chat_template(chat["messages"], tokenize=False, **arguments)
        tokens = reread.apply_chat_template(chat["messages"], tokenize=True, return_dict=False, **arguments)
        chats.append({"text": text, "ids": tokens})
    return {
        "ids": ids,
        "decoded": [reread.decode(one, skip_special_tokens=False) for one in ids],
        "chats": chats,
        "files": sorted(os.listdir(job["directory"])),
    }


if __name__ == "__main__":
    print("\n" + json.dumps([answer(job) for job in json.load(sys.stdin)]))
