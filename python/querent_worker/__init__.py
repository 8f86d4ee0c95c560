"""Trains and samples a language model for Querent over the public Tinker API: transformers and PEFT behind plain HTTP."""

__version__ = "0.1.0"

#: What this worker adds to the API; a client of another number says so instead of guessing.
PROTOCOL = 1
