"""A process that uses embedded servers: prints their addresses as JSON, and leaves when its input ends.

Run as `python -m tests.faults.servers_user DIRECTORY`.
"""

import dataclasses
import json
import sys
from pathlib import Path

from infrastructure.embedded.servers import embedded_servers

if __name__ == "__main__":
    with embedded_servers(Path(sys.argv[1])) as servers:
        sys.stdout.write(json.dumps(dataclasses.asdict(servers.addresses)) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
