"""What must hold whatever happens, each a checker with a name that compares at least two of X, B and W.

X: the exchange's own books. B: the trader's journal. W: the wire. A trader that only agrees with itself proves nothing.
"""

from mastertrading.app.campaign.invariants.base import Checker, Scene, Violation
from mastertrading.app.campaign.invariants.books import BOOKS
from mastertrading.app.campaign.invariants.orders import ORDERS
from mastertrading.app.campaign.invariants.protection import PROTECTION
from mastertrading.app.campaign.invariants.recovery import RECOVERY

CHECKERS: tuple[type[Checker], ...] = (*PROTECTION, *ORDERS, *BOOKS, *RECOVERY)
"""Every checker, in the order in which they are reported."""

__all__ = ["CHECKERS", "Checker", "Scene", "Violation"]
