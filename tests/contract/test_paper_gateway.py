"""The gateway's contract on paper, and that it fills by the backtest's rule."""

from __future__ import annotations

from contract.gateway_contract import GatewayContract


class TestPaperGateway(GatewayContract):
    venue = "paper"
