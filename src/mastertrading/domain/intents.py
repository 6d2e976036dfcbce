"""temporary"""

from enum import StrEnum


class Purpose(StrEnum):
    ENTRY = "entry"
    EXIT = "exit"
    STOP = "stop"
    PARTIAL = "partial"
    TARGET = "target"
    EMERGENCY = "emergency"
    CANCEL = "cancel"
