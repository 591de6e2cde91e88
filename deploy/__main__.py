"""`python3 -m deploy`; `make up`, `make down` and `make deploy` are the way in."""

import sys

from deploy.cli import main

sys.exit(main())
