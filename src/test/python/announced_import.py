"""Says by a file that it is being imported, and then never comes to an end."""

import os
import time
from pathlib import Path

Path(os.environ["ANNOUNCED_IMPORT"]).touch()
time.sleep(3600)
