"""``python -m quantc``."""

import sys

from quantc.cli import main

sys.exit(main())
