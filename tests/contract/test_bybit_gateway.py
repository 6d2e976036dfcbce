"""The gateway's contract at Bybit V5, and what only it has."""

from __future__ import annotations

from contract.gateway_contract import VenueContract


class TestBybitGateway(VenueContract):
    venue = "bybit_linear"
    late_codes = (
        b'{"retCode":10000,"retMsg":"Server Timeout","result":{},"time":1790000040000}',
        b'{"retCode":10016,"retMsg":"Server error.","result":{},"time":1790000040000}',
        b'{"retCode":10019,"retMsg":"restarting","result":{},"time":1790000040000}',
        b'{"retCode":10429,"retMsg":"System level frequency protection","result":{},"time":1790000040000}',
        b'{"retCode":110079,"retMsg":"The order is processing","result":{},"time":1790000040000}',
        b'{"retCode":987654,"retMsg":"A code of tomorrow.","result":{},"time":1790000040000}',
    )

    def status_of(self, body: bytes) -> int:
        return 200
