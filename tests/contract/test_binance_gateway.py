"""The gateway's contract at Binance USDⓈ-M, and what only it has."""

from __future__ import annotations

from contract.gateway_contract import VenueContract


class TestBinanceGateway(VenueContract):
    venue = "binance_usdm"
    late_codes = (
        b'{"code":-1000,"msg":"An unknown error occured while processing the request."}',
        b'{"code":-1001,"msg":"Internal error; unable to process your request. Please try again."}',
        b'{"code":-1006,"msg":"An unexpected response was received from the message bus."}',
        b'{"code":-1007,"msg":"Timeout waiting for response from backend server."}',
        b'{"code":-1008,"msg":"Server is currently overloaded."}',
        b'{"code":-2010,"msg":"NEW_ORDER_REJECTED"}',
        b'{"code":-98765,"msg":"A code of tomorrow."}',
    )
