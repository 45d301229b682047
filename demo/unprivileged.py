"""Run a program that refuses to run as root when the current user is root."""

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

UNSHARE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")


@dataclass(frozen=True)
class Identity:
    """A command prefix that drops root, or the user id to run as. Both are empty when the current user is not root."""

    prefix: tuple[str, ...] = ()
    user: int | None = None


@cache
def identity() -> Identity:
    """Return a user namespace that maps root to another user id.

    If namespaces are forbidden, return the user nobody.
    """
    if os.geteuid() != 0:
        return Identity()
    if _can_unshare():
        return Identity(prefix=UNSHARE)
    return Identity(user=pwd.getpwnam("nobody").pw_uid)


def own_folder(folder: Path) -> Path:
    """Return `folder`, writable for the identity, or another folder if the identity cannot reach `folder`."""
    folder.mkdir(exist_ok=True)
    user = identity().user
    if user is None:
        return folder
    if _is_open_to_all(folder.parent):
        os.chown(folder, user, user)
        return folder
    pointer = folder / "is-in"
    if not (pointer.exists() and Path(pointer.read_text()).is_dir()):
        elsewhere = tempfile.mkdtemp(prefix=f"{folder.name}-")
        os.chown(elsewhere, user, user)
        pointer.write_text(elsewhere)
    return Path(pointer.read_text())


def readable_copy(package: Path, folder: Path) -> Path:
    """Return the package if the identity can read it, else its copy in `folder`."""
    if identity().user is None or _is_open_to_all(package):
        return package
    # A wheel keeps its shared libraries in a folder next to the package and finds them by a relative path.
    for part in package.parent.glob(f"{package.name}*"):
        if part.suffix != ".dist-info":
            shutil.copytree(part, folder / part.name, symlinks=True, dirs_exist_ok=True)
    return folder / package.name


def give(file: Path) -> None:
    """Make the identity the owner of a file."""
    if (user := identity().user) is not None:
        os.chown(file, user, user)


def _can_unshare() -> bool:
    try:
        return subprocess.run((*UNSHARE, "true"), capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _is_open_to_all(folder: Path) -> bool:
    return all(level.stat().st_mode & 0o001 for level in (folder, *folder.parents))
