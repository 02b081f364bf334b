"""An empty Litestar POST: `python -m tests.benchmarks.empty_app`.

Served as anybody would, by uvicorn with the same loop and parser as ours, but without our own `HttpConnection`.
"""

import uvicorn
import uvloop
from litestar import Litestar, post

from api.command_line.run import Server


@post("/empty")
async def empty() -> dict[str, str]:
    """Nothing to do."""
    return {}


async def main() -> None:
    """Serves until it is told to stop."""
    app = Litestar([empty], openapi_config=None, logging_config=None)
    config = uvicorn.Config(
        app, port=0, loop="none", http="httptools", access_log=False, log_config=None, lifespan="off"
    )
    await Server(config).serve()


if __name__ == "__main__":
    uvloop.run(main())
