"""A question to a language model, over HTTP and without a library."""

from __future__ import annotations

import json
from urllib.request import Request, urlopen

_JSON = {"Content-Type": "application/json"}


def ask(base_url: str, question: str) -> str:
    """What an OpenAI-compatible server answers; raises urllib.error.URLError if it does not."""
    body = {"model": "any", "messages": [{"role": "user", "content": question}]}
    request = Request(f"{base_url}/chat/completions", json.dumps(body).encode(), _JSON)  # noqa: S310
    with urlopen(request, timeout=30) as answer:  # noqa: S310
        return str(json.load(answer)["choices"][0]["message"]["content"])
