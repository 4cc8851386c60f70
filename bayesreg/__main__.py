"""`python -m bayesreg` is the command line."""

import sys

from bayesreg.cli import main

sys.exit(main())
