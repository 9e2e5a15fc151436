"""`python -m cellml` is `cellml`."""

import sys

from cellml.cli import main

sys.exit(main())
