"""How many bytes does a view send to the browser, compared with BertViz's page for the same weights?

Counts the bytes that arrive in the websocket, frame by frame, by the element they belong to. BertViz writes the HTML of
its head view and model view; at 512 tokens for one layer, times the number of layers, because the whole would not fit
into memory: its HTML contains the weights as text, so it grows exactly with the layers.

    python benchmarks/payload.py [--tokens 24 128 512]
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Sequence

import torch
from _app import READY, browser, open_page, run_app
from _texts import text_of
from _timing import add_smoke, table
from bertviz import head_view, model_view
from playwright.sync_api import Page, WebSocket
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

import glassbert as gb

WHOLE_UP_TO = 128
QUIET_SECONDS = 4  # nothing arrived for this long: the view is complete


class Wire:
    """Counts the bytes that a page receives, by the element they draw."""

    def __init__(self) -> None:
        self.bytes: Counter[str] = Counter()
        self.messages = 0

    def listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", self.received)

    def received(self, payload: str | bytes) -> None:
        if isinstance(payload, str):
            return
        message = ForwardMsg()
        message.ParseFromString(payload)
        self.messages += 1
        self.bytes[_element(message)] += len(payload)

    def during(self, page: Page, action: Callable[[], object], quiet: float) -> tuple[int, int, Counter[str]]:
        """Messages, bytes, and bytes by element that an action causes."""
        self.bytes, self.messages = Counter(), 0
        action()
        quiet_since, seen = time.monotonic(), 0
        while time.monotonic() - quiet_since < quiet:
            page.wait_for_timeout(100)
            page.wait_for_selector(READY, timeout=600_000)
            if self.messages != seen:
                quiet_since, seen = time.monotonic(), self.messages
        return self.messages, sum(self.bytes.values()), self.bytes


def _element(message: ForwardMsg) -> str:
    if message.WhichOneof("type") != "delta":
        return "session"
    if message.delta.WhichOneof("type") != "new_element":
        return "layout"
    element = message.delta.new_element
    kind = element.WhichOneof("type")
    if kind == "bidi_component":
        return str(element.bidi_component.component_name).removeprefix("glassbert_")
    return str(kind)


def bertviz_bytes(model: gb.Model, text: str) -> tuple[int, int]:
    """Bytes of BertViz's head view and model view of these weights."""
    maps = gb.attention(model, text)
    layers = maps.layers if len(maps.encoded) <= WHOLE_UP_TO else 1
    attention = [torch.tensor(maps.weights[layer])[None] for layer in range(layers)]
    pages = [view(attention, list(maps.encoded.tokens), html_action="return").data for view in (head_view, model_view)]
    head, whole = (len(page.encode()) * maps.layers // layers for page in pages)
    return head, whole


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, nargs="+", default=[24, 128, 512])
    add_smoke(parser)
    options = parser.parse_args(argv)
    lengths, quiet = ([12], 0.5) if options.smoke else (options.tokens, QUIET_SECONDS)
    model = gb.load("pretrained")
    rows = []
    shares: list[tuple[str, str]] = []
    with run_app() as server, browser() as opened:
        for tokens in lengths:
            wire = Wire()
            page = open_page(opened, server, {"text": "Hello there.", "method": "saliency"}, on_socket=wire.listen)
            text = text_of(model, tokens, "tonight")

            def submit(page: Page = page, text: str = text) -> None:
                page.get_by_label("Text A").fill(text)
                page.get_by_label("Text A").press("Enter")
                page.locator('.st-key-saliency [data-testid="token-strip-token"]', has_text="tonight").wait_for(
                    timeout=600_000
                )

            token = page.locator('.st-key-strip [data-testid="token-strip-token"]')
            cell = page.locator('.st-key-heads [data-testid="heads-map-cell"]')
            head, whole = bertviz_bytes(model, text)
            messages, edit, by_element = wire.during(page, submit, quiet)
            shares.append((str(tokens), ", ".join(f"{name} {_kb(size)}" for name, size in by_element.most_common(6))))
            clicked = wire.during(page, lambda token=token: token.nth(3).click(), quiet)[1]
            other = wire.during(page, lambda cell=cell: cell.nth(40).click(), quiet)[1]
            attention = by_element["heads_map"] + by_element["attention_heatmap"]
            rows.append(
                (
                    str(tokens),
                    str(messages),
                    _kb(edit),
                    _kb(clicked),
                    _kb(other),
                    _kb(attention),
                    f"{_kb(head)} ({head / attention:.0f} ×)",
                    f"{_kb(whole)} ({whole / attention:.0f} ×)",
                )
            )
            page.context.close()
    header = ("tokens", "messages", "text edit", "token click", "head click", "attention alone")
    print(table((*header, "BertViz head view", "BertViz model view"), rows))
    print("\nwhere the bytes of a text edit go:")
    print(table(("tokens", "largest elements"), shares))


def _kb(size: int) -> str:
    return f"{size / 1000:,.0f} kB" if size < 10_000_000 else f"{size / 1e6:,.0f} MB"


if __name__ == "__main__":
    main()
