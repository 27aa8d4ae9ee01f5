"""A model behind an OpenAI-compatible address: `python serve_model.py MODEL PORT NAME TEMPLATE`.

With transformers on a CPU, as far as `nercot evaluate` needs it: /v1/models and /v1/chat/completions, greedy, one
request at a time.
"""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Model:
    """What answers: the model and its own chat template."""

    def __init__(self, folder: str, template: str, most: int) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        torch.set_num_threads(1)
        self.most, self.lock = most, threading.Lock()
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.tokenizer.chat_template = Path(template).read_text(encoding="utf-8")
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    def answer(self, messages: list[dict[str, str]]) -> tuple[str, int, int]:
        """(text, tokens in, tokens out) of a greedy answer."""
        with self.lock:
            asked = self.tokenizer.apply_chat_template(
                messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
            )
            out = self.model.generate(**asked, max_new_tokens=self.most, do_sample=False)[0]
        count = asked["input_ids"].shape[1]
        return self.tokenizer.decode(out[count:], skip_special_tokens=True), count, len(out) - count


def serve(folder: str, port: int, name: str, template: str, most: int = 64) -> None:
    model = Model(folder, template, most)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            self._send({"object": "list", "data": [{"id": name, "object": "model"}]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text, tokens_in, tokens_out = model.answer(body["messages"])
            message = {"role": "assistant", "content": text or " "}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            usage = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out}
            usage["total_tokens"] = tokens_in + tokens_out
            about = {"id": "x", "object": "chat.completion", "created": 0, "model": name}
            self._send({**about, "choices": [choice], "usage": usage})

        def _send(self, value: Any) -> None:
            content = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
