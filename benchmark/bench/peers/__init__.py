"""The libraries, ours among them: one file and one class each."""

from __future__ import annotations

import importlib

from bench.entry import Peer

OURS = "quantc"
PEERS = (OURS, "onnxruntime", "openvino", "torch", "litert", "ggml", "onednn")


def load_peer(name: str) -> type[Peer]:
    """Return the class of a peer."""
    module = importlib.import_module(f"bench.peers.{name}")
    peer: type[Peer] = module.PEER
    return peer
