"""Finds a mode; ends with its error where there is none."""

import sys

from connectors.user_code.modes import NoModeError, found_mode

try:
    found_mode(sys.argv[1])
except NoModeError as error:
    sys.exit(str(error))
