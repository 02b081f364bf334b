"""The command `onethread` and all that stands behind it, from serve to admin. Each command explains itself."""

import logging
import sys

import click

from api.command_line.admin import admin
from api.command_line.channels import channels
from api.command_line.demo import demo
from api.command_line.log import rebuild, replay
from api.command_line.mailbox import mailbox
from api.command_line.policy import policy
from api.command_line.routing.explain import explain
from api.command_line.routing.verify import verify
from api.command_line.run import serve, work
from api.command_line.simulate import simulate
from api.settings import SettingWrong
from application.explaining.stages import DecisionUnknown
from application.explaining.why_not import AgentUnclear
from application.log import LogBusy, LogUnreachable
from application.rebuild import NothingToSwitchBackTo, OtherVersion, RebuildUnderWay
from application.views import ViewNotBuilt, ViewsUnreachable
from application.whatif.recorded.identity import NotIdentical
from domain.event import RuleBroken
from infrastructure.embedded.sharing import CannotStart
from infrastructure.log.keys import UnknownMasterKey, WrongMasterKey

EXPECTED: tuple[type[Exception], ...] = (
    SettingWrong,
    CannotStart,
    RuleBroken,
    LogUnreachable,
    LogBusy,
    UnknownMasterKey,
    WrongMasterKey,
    ViewsUnreachable,
    ViewNotBuilt,
    RebuildUnderWay,
    NothingToSwitchBackTo,
    OtherVersion,
    NotIdentical,
    AgentUnclear,
    DecisionUnknown,
)
"""What a person can do something about: shown as one sentence, not as a traceback."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="onethread")
def onethread() -> None:
    """One thread per customer, whatever the channel.

    Without further settings everything runs on this machine: PostgreSQL and NATS are started by the command itself and
    keep their data in the directory .onethread. Settings are environment variables: DATABASE_URL, NATS_URL and those
    that begin with ONETHREAD_; `onethread admin settings` lists them all.

    \b
    First steps:
      onethread demo                              a small shop, live in this terminal
      onethread admin create-administrator ada    somebody who may set things up
      onethread serve                             the API on http://127.0.0.1:8000
    """  # noqa: D301  # click keeps the lines of a paragraph that begins with this character


for command in (
    serve, work, demo, replay, rebuild, explain, verify, simulate, policy, channels, mailbox, admin,
):  # fmt: skip
    onethread.add_command(command)


def main() -> None:
    """The entry point. Exit status 1 for what a person can mend, 2 for a wrong call, 130 after Ctrl-C."""
    logging.captureWarnings(capture=True)
    try:
        onethread(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except EXPECTED as error:
        sentence = " ".join((str(error) or type(error).__doc__ or "").split())  # PostgreSQL's have several lines
        click.echo(f"onethread: {sentence}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
