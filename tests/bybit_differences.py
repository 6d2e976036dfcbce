"""How our Bybit's messages differ from the examples that we have of the venue's, and why each difference is right.

A difference is written as ``wire_examples.differences`` tells it: ``+`` ours has it, ``-`` theirs has it, otherwise
the kinds of theirs and ours. Several of one reason stand together, separated by semicolons.
"""

from __future__ import annotations

NEWER = (
    "in the V5 documentation of July 2026; the example is older, or another system keeps only what it reads"
)
CUT = "the example is cut short: every reply of the venue has it"
UNIFIED = "of a unified account; the example is of a classic one"
LINEAR = "of linear contracts; the example is of another product"
SPOT_IDS = "ids are UUIDs for linear contracts (other examples); this example's are spot's numbers"
OWN_IDS = "the client's own id is whatever the client chose"
TEXTS = "the example has its numbers in quotes; every other reply of the venue has numbers"
SYNTHETIC = "the other system wrote this message itself; the venue's documentation has it as we do"
SPELLING = "the venue spells it totalPerpUPL (its documentation, the client library's example)"

LEFT_OUT: dict[str, str] = {
    "bybit_v5/Bybit.UnitTests/Endpoints/V5Api/Account/AddOrReduceMargin.txt": "refused: no margin is added by hand",
    "bybit_v5/Bybit.UnitTests/Endpoints/V5Api/ExchangeData/GetOptionSymbols.txt": "options, which answer empty lists",
    "bybit_v5/Bybit.UnitTests/Endpoints/V5Api/ExchangeData/GetSpotSymbols.txt": "spot, which answers empty lists",
    "is_unified_enabled /v5/user/query-api": "its lists are dots; the other system's file is compared",
    "fetch_spot_markets /v5/market/instruments-info": "spot, which answers empty lists",
    "fetch_balance /v5/asset/transfer/query-account-coins-balance": "an example of another path (margin accounts)",
    "fetch_balance /v5/account/wallet-balance": "an example of another path (margin accounts)",
    "fetch_ledger /v5/account/transaction-log": "an example of the API before V5",
    "fetch_ohlcv /v5/market/premium-index-price-kline": "the rows are those of /v5/market/kline",
    "fetch_greeks /v5/market/tickers": "options, which answer empty lists",
    "fetch_all_greeks /v5/market/tickers": "options, which answer empty lists",
    "fetch_option /v5/market/tickers": "options, which answer empty lists",
    "fetch_option_chain /v5/market/tickers": "options, which answer empty lists",
    "fetch_funding_rates /v5/market/tickers": "an example of the API before V5",
    "fetch_positions /v5/position/list": "an example of the unified margin API before V5",
}
WITHOUT_EXAMPLE: set[str] = {
    "/v3/public/time",
    "/v5/account/set-margin-mode",
    "/v5/account/smp-group",
    "/v5/account/upgrade-to-uta",
    "/v5/asset/transfer/query-account-coins-balance",
    "/v5/market/index-price-kline",
    "/v5/order/amend-batch",
    "/v5/order/create-batch",
    "/v5/position/add-margin",
    "/v5/position/switch-isolated",
}

_ORDERS = {
    NEWER: (
        "+ result.list[].createType; + result.list[].cumFeeDetail; + result.list[].marketUnit;"
        "+ result.list[].ocoTriggerBy; + result.list[].parentOrderLinkId; + result.list[].placeType;"
        "+ result.list[].slLimitPrice; + result.list[].slippageTolerance; + result.list[].slippageToleranceType;"
        "+ result.list[].smpGroup; + result.list[].smpOrderId; + result.list[].smpType;"
        "+ result.list[].tpLimitPrice; + result.list[].tpslMode; + result.category"
    ),
    "seen in a few replies, and neither documented nor told of linear orders elsewhere": "- result.list[].extraFees",
}
_IDS = {SPOT_IDS: "result.list[].orderId: decimal, text", OWN_IDS: "result.list[].orderLinkId: decimal, text"}

LISTED: dict[str, dict[str, str]] = {
    "/v5/account/collateral-info": {NEWER: "+ result.list[].otherBorrowAmount"},
    "/v5/account/fee-rate": {
        "told by the other system's recording, empty for linear": "+ result.list[].baseCoin"
    },
    "/v5/account/info": {CUT: "+ retExtInfo; + time"},
    "/v5/account/transaction-log": {NEWER: "+ result.list[].extraFees; + result.list[].transSubType"},
    "/v5/account/wallet-balance": {
        NEWER: (
            "+ result.list[].accountIMRateByMp; + result.list[].accountMMRateByMp;"
            "+ result.list[].totalInitialMarginByMp; + result.list[].totalMaintenanceMarginByMp;"
            "+ result.list[].coin[].spotHedgingQty"
        ),
        SYNTHETIC: (
            "+ result.list[].coin[].totalOrderIM; + result.list[].coin[].totalPositionIM;"
            "+ result.list[].coin[].totalPositionMM"
        ),
    },
    "/v5/asset/coin/query-info": {
        NEWER: (
            "+ result.rows[].chains[].contractAddress; + result.rows[].chains[].safeConfirmNumber;"
            "+ result.rows[].chains[].withdrawMax; + result.rows[].chains[].withdrawPercentageFee"
        )
    },
    "/v5/execution/list": {
        NEWER: (
            "+ result.list[].closedSize; + result.list[].createType; + result.list[].extraFees;"
            "+ result.list[].feeCurrency; + result.list[].seq"
        )
    },
    "/v5/market/account-ratio": {NEWER: "+ result.nextPageCursor"},
    "/v5/market/funding/history": {CUT: "+ retExtInfo"},
    "/v5/market/instruments-info": {
        CUT: "+ result.category",
        NEWER: (
            "+ result.list[].copyTrading; + result.list[].displayName; + result.list[].isPreListing;"
            "+ result.list[].lotSizeFilter.maxMktOrderQty; + result.list[].lowerFundingRate;"
            "+ result.list[].preListingInfo; + result.list[].riskParameters;"
            "+ result.list[].riskParameters.priceLimitRatioX; + result.list[].riskParameters.priceLimitRatioY;"
            "+ result.list[].symbolId; + result.list[].symbolType; + result.list[].upperFundingRate"
        ),
    },
    "/v5/market/open-interest": {NEWER: "+ result.list[].singleOpenInterest"},
    "/v5/market/orderbook": {NEWER: "+ result.cts; + result.seq", CUT: "+ retExtInfo"},
    "/v5/market/recent-trade": {
        NEWER: "+ result.list[].isRPITrade; + result.list[].seq",
        CUT: "+ retExtInfo",
        SPOT_IDS: "result.list[].execId: decimal, text",
    },
    "/v5/market/risk-limit": {NEWER: "+ result.list[].mmDeduction; + result.nextPageCursor"},
    "/v5/market/tickers": {
        NEWER: (
            "+ result.list[].basis; + result.list[].basisRateYear; + result.list[].curPreListingPhase;"
            "+ result.list[].fundingCap; + result.list[].fundingIntervalHour; + result.list[].preOpenPrice;"
            "+ result.list[].preQty"
        )
    },
    "/v5/market/time": {TEXTS: "retCode: decimal, number; time: decimal, number"},
    "/v5/order/cancel-all": {
        NEWER: "+ result.success",
        SPOT_IDS: "result.list[].orderId: decimal, text",
    },
    "/v5/order/cancel-batch": {
        **_IDS,
        TEXTS: "retCode: decimal, number; retExtInfo.list[].code: decimal, number; time: decimal, number",
    },
    "/v5/order/create": {SPOT_IDS: "result.orderId: decimal, text"},
    "/v5/order/history": {
        **_ORDERS,
        "by coin; the other system dropped it with the rest that it does not read": (
            "+ result.list[].cumFeeDetail.USDT"
        ),
    },
    "/v5/order/realtime": {
        **_ORDERS,
        **_IDS,
        "by coin: empty before the first fill": "- result.list[].cumFeeDetail.USDT",
        "of older replies": "+ result.list[].blockTradeId",
    },
    "/v5/position/closed-pnl": {TEXTS: "retCode: decimal, number; time: decimal, number"},
    "/v5/position/list": {
        NEWER: (
            "+ result.list[].adlRankIndicator; + result.list[].autoAddMargin; + result.list[].breakEvenPrice;"
            "+ result.list[].curRealisedPnl; + result.list[].isReduceOnly; + result.list[].leverageSysUpdatedTime;"
            "+ result.list[].mmrSysUpdatedTime; + result.list[].openTime; + result.list[].positionBalance;"
            "+ result.list[].positionIMByMp; + result.list[].positionMMByMp; + result.list[].seq;"
            "+ result.list[].sessionAvgPrice"
        )
    },
    "/v5/position/trading-stop": {
        "the example is of order/create; the endpoint's own has an empty result": (
            "- result.orderId; - result.orderLinkId"
        )
    },
    "/v5/user/query-api": {"a key here is bound to one address": "- result.ips[1]; - result.ips[2]"},
    "stream execution": {
        NEWER: (
            "+ data[].closedSize; + data[].createType; + data[].execPnl; + data[].extraFees; + data[].feeCurrency;"
            "+ data[].marketUnit; + data[].seq"
        )
    },
    "stream order": {
        NEWER: (
            "+ data[].closedPnl; + data[].createType; + data[].cumFeeDetail; + data[].cumFeeDetail.USDT;"
            "+ data[].feeCurrency; + data[].isLeverage; + data[].marketUnit; + data[].ocoTriggerBy;"
            "+ data[].parentOrderLinkId; + data[].placeType; + data[].rpiMatchedQty; + data[].rpiTakerAccess;"
            "+ data[].slLimitPrice; + data[].slippageTolerance; + data[].slippageToleranceType; + data[].smpGroup;"
            "+ data[].smpOrderId; + data[].smpType; + data[].tpLimitPrice; + data[].tpslMode"
        )
    },
    "stream orderbook.50 delta": {NEWER: "+ cts"},
    "stream orderbook.50 snapshot": {NEWER: "+ cts"},
    "stream ping": {
        "an answer to a ping of the API before V5": "- request; - request.args; - request.op",
        NEWER: "+ op; + req_id",
    },
    "stream position": {
        NEWER: (
            "+ data[].breakEvenPrice; + data[].curRealisedPnl; + data[].isReduceOnly;"
            "+ data[].leverageSysUpdatedTime; + data[].mmrSysUpdatedTime; + data[].openTime;"
            "+ data[].positionIMByMp; + data[].positionMMByMp; + data[].seq; + data[].sessionAvgPrice"
        )
    },
    "stream public subscribe": {OWN_IDS: "req_id: text, decimal"},
    "stream publicTrade snapshot": {NEWER: "+ data[].RPI; + data[].seq", SYNTHETIC: "+ data[].L"},
    "stream refused topic": {SYNTHETIC: "+ req_id"},
    "stream tickers snapshot": {
        NEWER: (
            "+ data.basisRateYear; + data.curPreListingPhase; + data.fundingCap; + data.fundingIntervalHour;"
            "+ data.preOpenPrice"
        )
    },
    "stream wallet": {
        NEWER: (
            "+ data[].accountIMRateByMp; + data[].accountMMRateByMp; + data[].totalInitialMarginByMp;"
            "+ data[].totalMaintenanceMarginByMp; + data[].accountLTV; + data[].accountType; + data[].coin[].bonus;"
            "+ data[].coin[].collateralSwitch; + data[].coin[].cumRealisedPnl; + data[].coin[].locked;"
            "+ data[].coin[].marginCollateral; + data[].coin[].spotBorrow; + data[].coin[].spotHedgingQty;"
            "+ data[].coin[].unrealisedPnl; + data[].coin[].usdValue"
        ),
        SPELLING: "+ data[].totalPerpUPL; - data[].totalPerpUpl",
    },
    "trade auth": {SYNTHETIC: "- success"},
    "trade auth refused": {SYNTHETIC: "- success"},
    "trade order.create": {
        SYNTHETIC: (
            "+ header; + header.Timenow; + header.Traceid; + header.X-Bapi-Limit;"
            "+ header.X-Bapi-Limit-Reset-Timestamp; + header.X-Bapi-Limit-Status"
        ),
        NEWER: "+ retExtInfo",
        SPOT_IDS: "data.orderId: decimal, text",
        OWN_IDS: "data.orderLinkId: decimal, text; reqId: text, decimal",
    },
}

ENUMERATIONS: dict[str, set[str]] = {
    "side": {"Buy", "Sell", "", "None"},
    "S": {"Buy", "Sell"},
    "orderType": {"Market", "Limit", "UNKNOWN"},
    "orderStatus": {
        "New",
        "PartiallyFilled",
        "Untriggered",
        "Rejected",
        "PartiallyFilledCanceled",
        "Filled",
        "Cancelled",
        "Triggered",
        "Deactivated",
    },
    "timeInForce": {"GTC", "IOC", "FOK", "PostOnly", "RPI"},
    "createType": {
        "",
        "CreateByUser",
        "CreateByStopOrder",
        "CreateByTakeProfit",
        "CreateByStopLoss",
        "CreateByPartialTakeProfit",
        "CreateByPartialStopLoss",
        "CreateByLiq",
        "CreateByAdl_PassThrough",
    },
    "cancelType": {
        "",
        "UNKNOWN",
        "CancelByUser",
        "CancelByReduceOnly",
        "CancelAllBeforeLiq",
        "CancelByAdmin",
        "CancelByTpSlTsClear",
    },
    "rejectReason": {
        "",
        "EC_NoError",
        "EC_Others",
        "EC_PerCancelRequest",
        "EC_NoImmediateQtyToFill",
        "EC_CancelForNoFullFill",
        "EC_PostOnlyWillTakeLiquidity",
        "EC_CancelReplaceOrder",
        "INSUFFICIENT_MARGIN",
        "UNKNOWN",
    },
    "stopOrderType": {
        "",
        "UNKNOWN",
        "TakeProfit",
        "StopLoss",
        "TrailingStop",
        "Stop",
        "PartialTakeProfit",
        "PartialStopLoss",
    },
    "triggerBy": {"", "UNKNOWN", "LastPrice", "IndexPrice", "MarkPrice"},
    "tpTriggerBy": {"", "UNKNOWN", "LastPrice", "IndexPrice", "MarkPrice"},
    "slTriggerBy": {"", "UNKNOWN", "LastPrice", "IndexPrice", "MarkPrice"},
    "tpslMode": {"", "Full", "Partial"},
    "smpType": {"None"},
    "placeType": {"", "order", "price"},
    "execType": {"Trade", "AdlTrade", "Funding", "BustTrade"},
    "positionStatus": {"Normal", "Liq", "Adl"},
    "contractType": {"LinearPerpetual"},
    "status": {"Trading", "PreLaunch", "Delivering", "Closed"},
    "marginMode": {"REGULAR_MARGIN", "ISOLATED_MARGIN", "PORTFOLIO_MARGIN"},
    "tickDirection": {"PlusTick", "ZeroPlusTick", "MinusTick", "ZeroMinusTick"},
    "L": {"PlusTick", "ZeroPlusTick", "MinusTick", "ZeroMinusTick"},
    "category": {"linear", "inverse", "spot", "option", ""},
    "copyTrading": {"none", "both", "utaOnly", "normalOnly"},
    "slippageToleranceType": {"UNKNOWN", "TickSize", "Percent"},
}
"""Values that the documentation names (enum); two words of ``rejectReason`` are the other system's inventions."""

STRANGE: dict[str, str] = {
    "smpType=null": "null in quotes, of a comment that was edited",
    "stopOrderType=tpslOrder": "of a spot order",
    "timeInForce=GoodTillCancel": "of a classic account",
    "triggerBy=1192.5": "of a comment that was edited: a price",
}
"""Words of the examples that the documentation does not have, and what they are."""
