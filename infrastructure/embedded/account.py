"""As whom PostgreSQL runs: as ourselves, or, as it refuses to run as root, as a system user of its own."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infrastructure.embedded.sharing import CannotStart

SYSTEM_USER = "onethread"
NAME_IN_USE = 9  # useradd(8), EXIT VALUES


@dataclass(frozen=True)
class Account:
    """How to start a program as this account: put `prefix` before its command and pass `identity` to subprocess."""

    user_id: int
    group_id: int
    is_ourselves: bool
    prefix: tuple[str, ...] = ()

    @property
    def identity(self) -> dict[str, Any]:
        """Keyword arguments for subprocess: `{"user": 998, "group": 998, "extra_groups": []}`, or nothing to change."""
        if self.is_ourselves or self.prefix:
            return {}
        return {"user": self.user_id, "group": self.group_id, "extra_groups": []}

    def give(self, path: Path) -> None:
        """Makes the path ours if we are not the account ourselves."""
        if not self.is_ourselves:
            os.chown(path, self.user_id, self.group_id)


def account_for(data: Path, programs: Path) -> Account:
    """The account to run PostgreSQL as: whoever owns the data already, else ourselves, else (as root) the system user.

    Raises CannotStart where that account cannot reach the data or the programs.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), is_ourselves=True)
    account = _owner(data) if data.exists() and data.stat().st_uid != 0 else _system_user()
    if _reaches(account, data.parent, programs):
        return account
    return _with_passage(account, data.parent, programs)


def _owner(data: Path) -> Account:
    status = data.stat()
    return Account(status.st_uid, status.st_gid, is_ourselves=False)


def _system_user() -> Account:
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
        if useradd is None:  # macOS: there is no such program, and nobody is there already
            entry = pwd.getpwnam("nobody")
        else:
            add = [useradd, "--system", "--no-create-home", SYSTEM_USER]
            ended = subprocess.run(add, capture_output=True, text=True, check=False)
            if ended.returncode not in {0, NAME_IN_USE}:  # another first start may have been faster
                raise CannotStart(f"useradd failed: {ended.stderr.strip()}") from None
            entry = pwd.getpwnam(SYSTEM_USER)
    return Account(entry.pw_uid, entry.pw_gid, is_ourselves=False)


def _reaches(account: Account, *paths: Path) -> bool:
    """Whether the account can pass through these directories. Tried, not computed: access lists have a say too."""
    passage = [*account.prefix, "/bin/sh", "-c", 'for path; do test -x "$path" || exit 1; done', "sh", *map(str, paths)]
    return subprocess.run(passage, capture_output=True, cwd="/", check=False, **account.identity).returncode == 0


def _with_passage(account: Account, *paths: Path) -> Account:
    """The same account with leave to pass through closed directories such as /root, whose modes stay as they are."""
    setpriv = shutil.which("setpriv")
    if setpriv is not None:
        ids = (f"--reuid={account.user_id}", f"--regid={account.group_id}", "--clear-groups")
        # Without the bit, access(), by which PostgreSQL looks for its own programs, would not see the capability.
        capability = ("--securebits=+no_setuid_fixup", "--inh-caps=+dac_override", "--ambient-caps=+dac_override")
        allowed = Account(
            account.user_id, account.group_id, is_ourselves=False, prefix=(setpriv, *ids, *capability, "--")
        )
        if _reaches(allowed, *paths):
            return allowed
    places = " or ".join(map(str, paths))
    raise CannotStart(
        f"started by root, PostgreSQL runs as user {account.user_id}, who cannot reach {places}: "
        "use directories that others may pass through, or start Onethread as another user"
    )
