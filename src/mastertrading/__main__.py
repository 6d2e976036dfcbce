"""``python -m mastertrading``: the command line without an installed script."""

import sys

from mastertrading.app.cli import main

sys.exit(main())
