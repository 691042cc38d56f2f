"""`ragsys serve-model`: the command that serves a reader with vLLM on this machine, printed or run."""
