"""
The private PostgreSQL cluster: made, started and stopped by the program, reached over a unix socket only.

The place where a cluster lives is `<data dir>/postgres`, unless the database's user cannot enter there::

    cluster/   what initdb made, mode 0700, owned by the database's user
    socket/    the unix socket, mode 0700, so `trust` trusts that user and root alone
    log        what the server says

Processes share one cluster: each `ensure` holds a shared file lock until `stop` or its end, and `stop` shuts
the server down when nobody else holds one, so the last one out puts out the light.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from geodata.errors import ClusterError

__all__ = [
    "ClusterInfo",
    "ClusterStatus",
    "ensure",
    "find_postgres",
    "running",
    "status",
    "stop",
    "temporary",
]

DATABASE = "huiyan"
USER = "huiyan"
SUPERUSER = "postgres"
FURNISHING = "2"
"""Grows with `_prepare`, so that clusters which are there already get what is new."""
PORT = 5432
"""Only names the socket file; nothing listens on TCP."""

OLDEST_MAJOR = 14
ROOM_NEEDED_MB = 200
SOCKET_DIR_MAX_BYTES = 85
"""`sun_path` holds 103 to 107 bytes; the socket and its lock file need 19 of them."""
FALLBACK_ROOT = Path("/var/lib/huiyan")
"""Where root keeps a cluster whose user cannot enter the project's folder."""
START_TIMEOUT_S = 300.0
LOCK_TIMEOUT_S = 180.0
LOG_MAX_BYTES = 5_000_000

_INSTALL = (
    "Run scripts/system.sh, or without apt: conda env create -f environment.yml && conda activate huiyan; "
    "or let TWIN_DATABASE_URL name a server."
)

_holds: dict[Path, int] = {}
"""Shared locks of this process, by data directory."""
_started: set[Path] = set()
"""Data directories whose server this process started."""
_known: dict[Path, ClusterInfo] = {}
"""What `ensure` answered last, by data directory; good for as long as that server runs."""
_children: dict[int, subprocess.Popen[bytes]] = {}
"""Servers that are children of this process, by pid, so that they can be reaped."""


@dataclass(frozen=True)
class ClusterInfo:
    """A running cluster and how to reach it."""

    home: Path
    """The data directory it was asked for."""
    bin_dir: Path
    data_dir: Path
    """Where the cluster really lives."""
    socket_dir: Path
    port: int
    database: str
    user: str
    started_by_us: bool
    """Whether this process started the server."""

    @property
    def url(self) -> str:
        """A libpq URL over the unix socket, for the owner of the database."""
        return self._url(self.user, self.database)

    @property
    def admin_url(self) -> str:
        """The same for the cluster's superuser."""
        return self._url(SUPERUSER, self.database)

    def _url(self, user: str, database: str) -> str:
        return (
            f"postgresql://{user}@/{database}?host={quote(str(self.socket_dir), safe='/')}&port={self.port}"
        )


@dataclass(frozen=True)
class ClusterStatus:
    """What can be said about a cluster without touching it."""

    running: bool
    exists: bool
    data_dir: Path
    """Where the cluster lives, or would live."""
    moved: bool
    """Whether it lives outside the project because its user cannot enter there."""
    socket_dir: Path | None
    pid: int | None
    major: int | None
    """Major version of PostgreSQL that made it."""
    size_bytes: int | None
    """None where it belongs to somebody else."""
    log: Path
    """What the server says."""


@dataclass(frozen=True)
class _Account:
    """The user that PostgreSQL runs as, when that is not the user we are."""

    name: str
    uid: int
    gid: int

    def switch(self) -> dict[str, Any]:
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


@dataclass(frozen=True)
class _Postmaster:
    pid: int
    socket_dir: Path
    port: int
    ready: bool


# ---------------------------------------------------------------------------------- finding PostgreSQL


def _candidates() -> list[Path]:
    """Folders that may hold PostgreSQL's programs."""
    found = [Path(sys.prefix) / "bin", Path(sys.base_prefix) / "bin"]
    for program in ("initdb", "pg_config"):
        path = shutil.which(program)
        if path:
            found += [Path(path).resolve().parent, Path(path).parent]
            if program == "pg_config":
                with contextlib.suppress(OSError, subprocess.SubprocessError):
                    found.append(Path(_output([path, "--bindir"])))
    for pattern in (
        "usr/lib/postgresql/*/bin",
        "usr/pgsql-*/bin",
        "opt/homebrew/opt/postgresql@*/bin",
        "usr/local/opt/postgresql@*/bin",
        "Applications/Postgres.app/Contents/Versions/*/bin",
    ):
        found += sorted(Path("/").glob(pattern))
    return [
        path for path in dict.fromkeys(found) if (path / "initdb").exists() and (path / "postgres").exists()
    ]


def _output(command: Sequence[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout.strip()


def _major(bin_dir: Path) -> int:
    said = re.search(r"\b(\d+)(\.|devel|beta|rc|\b)", _output([str(bin_dir / "postgres"), "--version"]))
    return int(said.group(1)) if said else 0


def _missing_extensions(bin_dir: Path, major: int) -> list[str]:
    shares = [
        Path("/usr/share/postgresql") / str(major),
        bin_dir.parent / "share",
        bin_dir.parent / "share/postgresql",
    ]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        shares.insert(0, Path(_output([str(bin_dir / "pg_config"), "--sharedir"])))
    return [
        title
        for name, title in (("postgis", "PostGIS"), ("pgrouting", "pgRouting"))
        if not any((share / "extension" / f"{name}.control").exists() for share in shares)
    ]


def find_postgres(major: int | None = None) -> Path:
    """
    The folder of the newest PostgreSQL on this machine that has PostGIS and pgRouting.

    Looks in the active conda or virtual environment, on PATH, where pg_config points, and where Debian,
    Red Hat and Homebrew install.

    Parameters
    ----------
    major
        Take only this major version: the one that made an existing cluster.

    Raises
    ------
    ClusterError
        If there is none, or none with both extensions, or none of that version.
    """
    complete: list[tuple[int, Path]] = []
    lacking: list[tuple[int, Path, list[str]]] = []
    for bin_dir in _candidates():
        try:
            version = _major(bin_dir)
        except (OSError, subprocess.SubprocessError):
            continue
        missing = _missing_extensions(bin_dir, version)
        if missing:
            lacking.append((version, bin_dir, missing))
        elif version >= OLDEST_MAJOR:
            complete.append((version, bin_dir))
    if major is not None and complete and not any(version == major for version, _ in complete):
        raise ClusterError(
            "The cluster was made by PostgreSQL {major}, but only {found} is installed.",
            "Install PostgreSQL {major} with PostGIS and pgRouting, or move the cluster away to load anew.",
            major=major,
            found=", ".join(str(version) for version in sorted({version for version, _ in complete})),
        )
    usable = [item for item in complete if major is None or item[0] == major]
    if usable:
        newest = max(version for version, _ in usable)
        return next(bin_dir for version, bin_dir in usable if version == newest)
    if lacking:
        version, bin_dir, missing = max(lacking, key=lambda item: item[0])
        raise ClusterError(
            "PostgreSQL {version} in {bin_dir} has no {missing}.",
            _INSTALL,
            version=version,
            bin_dir=bin_dir,
            missing=" and no ".join(missing),
        )
    raise ClusterError(
        "No PostgreSQL {oldest} or newer was found on this machine.", _INSTALL, oldest=OLDEST_MAJOR
    )


# ------------------------------------------------------------------------------------ whose, and where


def _account(cluster: Path) -> _Account | None:
    """Whom to run PostgreSQL as: the cluster's owner, or for root `postgres`, or `nobody`."""
    owner = _owner(cluster)
    if os.geteuid() != 0:
        if owner is not None and owner != os.geteuid():
            raise ClusterError(
                "The cluster in {place} belongs to user {owner}, not to you.",
                "Run the same command with sudo, or set TWIN_DATA_DIR to a folder of your own.",
                place=cluster,
                owner=_user_name(owner),
            )
        return None
    entries = []
    if owner:
        with contextlib.suppress(KeyError):
            entries.append(pwd.getpwuid(owner))
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entries.append(pwd.getpwnam(name))
    if not entries:
        raise ClusterError(
            "PostgreSQL does not run as root and there is neither a user postgres nor nobody.",
            "Create one (useradd --system postgres), or run as an ordinary user.",
        )
    return _Account(entries[0].pw_name, entries[0].pw_uid, entries[0].pw_gid)


def _owner(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except OSError:
        return None


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _enters(account: _Account | None, folder: Path) -> bool:
    """Whether the database's user gets into `folder` through all its parents."""
    if account is None:
        return os.access(folder, os.X_OK)
    command = ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, cwd="/", **account.switch())
    except OSError as error:
        raise ClusterError(
            "This process may not act as user {user}, and PostgreSQL does not run as root: {why}.",
            "Run as an ordinary user, or let TWIN_DATABASE_URL name a server.",
            user=account.name,
            why=error.strerror,
        ) from error
    return done.returncode == 0


def _name_of(home: Path) -> str:
    return hashlib.sha256(os.fsencode(home)).hexdigest()[:12]


def _pointer(home: Path) -> Path:
    return home / "postgres.place"


def _existing_place(home: Path) -> Path | None:
    """Where this data directory's cluster lives, if it has one."""
    places = [home / "postgres", FALLBACK_ROOT / _name_of(home)]
    with contextlib.suppress(OSError):
        pointed = Path(_pointer(home).read_text(encoding="utf-8").strip())
        made_for = Path((pointed / "home").read_text(encoding="utf-8").strip())
        if (
            made_for == home or not made_for.exists()
        ):  # a moved project keeps its data; a copied one gets its own
            places.append(pointed)
    for place in places:
        with contextlib.suppress(OSError):
            if (place / "cluster").is_dir():
                return place
    return None


def _new_place(home: Path, account: _Account | None, fallback: Path) -> Path:
    """A place for a new cluster: in the project, or where the database's user can enter."""
    place = home / "postgres"
    with contextlib.suppress(PermissionError):
        _make_folder(place, 0o711)
        if _enters(account, place) and _can_give(place, account):
            return place
    with contextlib.suppress(OSError):
        place.rmdir()
    if account is None:
        raise ClusterError(
            "You may not write in {home}.", "Set TWIN_DATA_DIR to a folder of your own.", home=home
        )
    _make_folder(fallback.parent, 0o755)
    _make_folder(fallback, 0o711)
    if not _enters(account, fallback):
        raise ClusterError(
            "User {user} can enter neither {place} nor {fallback}.",
            "Move the project where everybody may enter, for example under /srv or /opt.",
            user=account.name,
            place=place,
            fallback=fallback,
        )
    return fallback


def _can_give(place: Path, account: _Account | None) -> bool:
    """Whether a folder in `place` can belong to the database's user; not so on some network disks."""
    if account is None:
        return True
    probe = Path(tempfile.mkdtemp(dir=place))
    try:
        os.chown(probe, account.uid, account.gid)
        return probe.stat().st_uid == account.uid
    except OSError:
        return False
    finally:
        probe.rmdir()


def _make_folder(folder: Path, mode: int) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(mode)


def _private_folder(folder: Path, account: _Account | None) -> Path:
    """Make `folder` private to the database's user; refuse one that somebody else laid there."""
    uid = account.uid if account else os.geteuid()
    try:
        folder.mkdir(mode=0o700)
        if account:
            os.chown(folder, account.uid, account.gid)
    except FileExistsError:
        found = folder.lstat()
        if folder.is_symlink() or not folder.is_dir() or found.st_uid != uid:
            raise ClusterError(
                "{folder} belongs to somebody else, so the database's socket cannot lie there safely.",
                "Remove it and start again.",
                folder=folder,
            ) from None
    folder.chmod(0o700)
    return folder


def _socket_path(place: Path, account: _Account | None) -> Path:
    """The folder for the socket: in the cluster's place unless that path is too long or unusual for one."""
    beside = place / "socket"
    if len(os.fsencode(beside)) <= SOCKET_DIR_MAX_BYTES and re.fullmatch(
        r"[\w./+~@-]+", str(beside), re.ASCII
    ):
        return beside
    short = Path("/run") if account and os.access("/run", os.W_OK) else Path("/tmp")
    return short / f"huiyan-{account.uid if account else os.geteuid()}-{_name_of(place)}"


# ------------------------------------------------------------------------------------ making a cluster


def _memory_mb() -> int:
    try:
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20)
    except (ValueError, OSError):
        return 4096


def _tuning() -> dict[str, str]:
    """Settings a new cluster starts with; an administrator may change them in its postgresql.conf."""
    memory_mb = _memory_mb()
    return {
        "max_connections": "100",
        "shared_buffers": f"{min(max(memory_mb // 8, 128), 2048)}MB",
        "effective_cache_size": f"{max(memory_mb // 2, 512)}MB",
        "work_mem": f"{min(max(memory_mb // 256, 8), 64)}MB",
        "maintenance_work_mem": f"{min(max(memory_mb // 32, 64), 512)}MB",
        "max_wal_size": "2GB",
        "random_page_cost": "1.1",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %q%u@%d ",
        "log_min_messages": "warning",
    }


def _needed(socket_dir: Path, *, durable: bool) -> dict[str, str]:
    """Settings the program relies on, given at every start."""
    needed = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket_dir),
        "unix_socket_permissions": "0700",
        "port": str(PORT),
        "jit": "off",
        "logging_collector": "off",
        "log_destination": "stderr",
    }
    with contextlib.suppress(OSError):
        if (
            shutil.disk_usage("/dev/shm").total < 512 * 2**20
        ):  # containers; parallel queries would run out of it
            needed["dynamic_shared_memory_type"] = "mmap"
    if not durable:
        needed |= {
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "autovacuum": "off",
        }
    return needed


def _initdb(bin_dir: Path, place: Path, account: _Account | None, *, durable: bool) -> None:
    """Make `place`/cluster under another name first, so that a half-made one never bears this name."""
    for half_made in place.glob("making-*"):
        shutil.rmtree(half_made, ignore_errors=True)
    if shutil.disk_usage(place).free < ROOM_NEEDED_MB * 2**20:
        raise ClusterError(
            "Only {free} MB are free at {place}.",
            "Make room; a new database needs {needed} MB.",
            free=shutil.disk_usage(place).free // 2**20,
            place=place,
            needed=ROOM_NEEDED_MB,
        )
    making = Path(tempfile.mkdtemp(prefix="making-", dir=place))
    try:
        if account:
            os.chown(making, account.uid, account.gid)
        arguments = ["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-instructions"]
        if not durable:
            arguments.append("--no-sync")
        for locale in ("C.UTF-8", "C"):
            command = [str(bin_dir / "initdb"), "-D", str(making), *arguments, f"--locale={locale}"]
            done = _run(command, bin_dir, account)
            if done.returncode == 0 or "invalid locale" not in done.stderr:
                break
        if done.returncode != 0:
            raise ClusterError(
                "initdb could not make a database in {place}: {why}.",
                _mend(done.stderr),
                place=place,
                why=_last_complaint(done.stderr + done.stdout),
            )
        with (making / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write("\n# Huiyan\n" + "".join(f"{key} = '{value}'\n" for key, value in _tuning().items()))
        (making / "pg_hba.conf").write_text(
            "# Only over the socket, whose folder is private to the database's user.\nlocal all all trust\n",
            encoding="utf-8",
        )
        making.rename(place / "cluster")
    except OSError as error:
        raise ClusterError(
            "No database could be made in {place}: {why}.",
            _mend(str(error)),
            place=place,
            why=error.strerror or error,
        ) from error
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _prepare(info: ClusterInfo) -> None:
    """Role, database and extensions; each step may be repeated, so after an interruption all are."""
    try:
        with psycopg.connect(info._url(SUPERUSER, "postgres"), autocommit=True) as link:
            if not link.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [USER]).fetchone():
                link.execute("CREATE ROLE huiyan LOGIN CREATEDB CREATEROLE")
            if not link.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                link.execute("CREATE DATABASE huiyan OWNER huiyan")
            link.execute("ALTER DATABASE huiyan SET search_path = public, extensions")
            link.execute("ALTER ROLE huiyan SET search_path = public, extensions")
        with psycopg.connect(info.admin_url) as link:
            link.execute("CREATE SCHEMA IF NOT EXISTS extensions")
            link.execute("GRANT USAGE ON SCHEMA extensions TO PUBLIC")
            link.execute("CREATE EXTENSION IF NOT EXISTS postgis WITH SCHEMA extensions")
            link.execute("CREATE EXTENSION IF NOT EXISTS pgrouting WITH SCHEMA extensions")
            # otherwise boxes asked of views that leave rows out could not use the spatial index (decision 16)
            geometry = "extensions.geometry"
            link.execute(f"ALTER FUNCTION extensions.st_intersects({geometry}, {geometry}) LEAKPROOF")
    except psycopg.Error as error:
        raise ClusterError(
            "The new database could not be furnished with PostGIS and pgRouting: {why}.",
            _INSTALL,
            why=str(error).strip().splitlines()[0].rstrip("."),
        ) from error


def _run(command: Sequence[str], bin_dir: Path, account: _Account | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        cwd="/",
        env=_environment(bin_dir),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        umask=0o077,
        **(account.switch() if account else {}),
    )


def _environment(bin_dir: Path) -> dict[str, str]:
    """The server gets nothing of ours: no locale, no PROJ or GDAL folder of a Python wheel."""
    return {"PATH": f"{bin_dir}:/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _last_complaint(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    loud = [line for line in lines if re.search(r"FATAL|PANIC|error:|fatal:|could not", line)]
    at = lines.index((loud or lines or [""])[-1]) if lines else 0
    chosen = (
        lines[max(at - 1, 0) : at + 1] if "contains errors" in " ".join(loud[-1:]) else lines[at : at + 1]
    )
    tidy = [re.sub(r"^.*?(FATAL|PANIC|LOG|error|fatal):\s*", "", line).rstrip(".") for line in chosen]
    return "; ".join(tidy) or "it said nothing"


def _mend(said: str) -> str:
    if "No space left" in said or "Disk quota" in said:
        return "Make room on that disk and start again."
    if "ermission denied" in said or "not permitted" in said or "Read-only" in said:
        return "Give the user you run as the right to write there, or set TWIN_DATA_DIR to another folder."
    return "Mend that and start again, or let TWIN_DATABASE_URL name a server."


# ---------------------------------------------------------------------------------- starting, stopping


def _postmaster(cluster: Path) -> _Postmaster | None:
    """The server of this cluster, if one is really running: a stale or copied pid file does not count."""
    try:
        lines = (cluster / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        pid, _, _, port, socket_dir = (line.strip() for line in lines[:5])
        found = _Postmaster(int(pid), Path(socket_dir), int(port), len(lines) > 7 and "ready" in lines[7])
    except (OSError, ValueError):
        return None
    child = _children.get(found.pid)
    if child is not None and child.poll() is not None:
        del _children[found.pid]
        return None
    try:
        os.kill(found.pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return found if _serves(found.pid, cluster) else None


def _serves(pid: int, cluster: Path) -> bool:
    """Whether process `pid` is a PostgreSQL server that stands in `cluster`."""
    if Path("/proc/self/cwd").exists():
        try:
            return (Path("/proc") / str(pid) / "cwd").resolve(strict=True) == cluster.resolve()
        except OSError:
            return False
    done = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], check=False, capture_output=True, text=True)
    return "postgres" in done.stdout and str(cluster) in done.stdout


def _open_log(place: Path, account: _Account | None) -> int:
    log = place / "log"
    with contextlib.suppress(OSError):
        if log.stat().st_size > LOG_MAX_BYTES:
            log.replace(place / "log.1")
    opened = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    if account:
        os.fchown(opened, account.uid, account.gid)
    return opened


def _die_with_us() -> None:
    """In a throw-away server: end when the process that started it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, int(signal.SIGQUIT))


def _start(bin_dir: Path, place: Path, account: _Account | None, *, durable: bool) -> _Postmaster:
    """Start the server of `place`/cluster in a session of its own and wait until it answers."""
    cluster = place / "cluster"
    (cluster / "postmaster.pid").unlink(missing_ok=True)  # _postmaster has shown it stale
    socket_dir = _private_folder(_socket_path(place, account), account)
    for left in socket_dir.glob(".s.PGSQL.*"):
        left.unlink(missing_ok=True)
    command = [str(bin_dir / "postgres"), "-D", str(cluster)]
    for key, value in _needed(socket_dir, durable=durable).items():
        command += ["-c", f"{key}={value}"]
    log = _open_log(place, account)
    from_byte = os.fstat(log).st_size
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=_environment(bin_dir),
            start_new_session=True,  # so that Ctrl-C reaches us and not the server
            umask=0o077,
            preexec_fn=None if durable else _die_with_us,  # noqa: PLW1509 - only in tests
            **(account.switch() if account else {}),
        )
    finally:
        os.close(log)
    _children[child.pid] = child
    give_up_at = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < give_up_at:
        if child.poll() is not None:
            del _children[child.pid]
            with (place / "log").open("rb") as written:
                written.seek(from_byte)
                said = written.read().decode("utf-8", "replace")
            raise ClusterError(
                "PostgreSQL did not start: {why} (log: {log}).",
                _mend(said),
                why=_last_complaint(said),
                log=place / "log",
            )
        found = _postmaster(cluster)
        if found and found.ready:
            return found
        time.sleep(0.02)
    child.send_signal(signal.SIGQUIT)
    raise ClusterError(
        "PostgreSQL was not ready after {seconds:.0f} s.",
        "Read its log: {log}",
        seconds=START_TIMEOUT_S,
        log=place / "log",
    )


def _start_again(bin_dir: Path, place: Path, account: _Account | None) -> _Postmaster:
    """Start, with patience for the children of a server that was just killed."""
    for _ in range(50):
        try:
            return _start(bin_dir, place, account, durable=True)
        except ClusterError as error:
            if "shared memory block" not in str(error):
                raise
            time.sleep(0.2)
    return _start(bin_dir, place, account, durable=True)


def _shut_down(cluster: Path, how: signal.Signals = signal.SIGINT, patience_s: float = 60.0) -> None:
    found = _postmaster(cluster)
    if found is None:
        return
    os.kill(found.pid, how)
    give_up_at = time.monotonic() + patience_s
    while _postmaster(cluster) is not None:
        if time.monotonic() > give_up_at:
            if how == signal.SIGQUIT:
                raise ClusterError(
                    "PostgreSQL (process {pid}) does not stop.",
                    "End it with: kill -QUIT {pid}",
                    pid=found.pid,
                )
            _shut_down(cluster, signal.SIGQUIT, 10.0)
            return
        time.sleep(0.02)
    child = _children.pop(found.pid, None)
    if child is not None:
        child.wait(10)


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One process at a time makes, starts or stops the cluster of `home`."""
    lock = _open_lock(home / "postgres.lock")
    try:
        give_up_at = time.monotonic() + LOCK_TIMEOUT_S
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up_at:
                    raise ClusterError(
                        "Another process has been starting the database in {home} for {seconds:.0f} s.",
                        "End that process and try again.",
                        home=home,
                        seconds=LOCK_TIMEOUT_S,
                    ) from None
                time.sleep(0.05)
        yield
    finally:
        os.close(lock)


def _open_lock(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise ClusterError(
            "The data folder {home} cannot be used: {why}.",
            "Give the user you run as the right to write there, or set TWIN_DATA_DIR to another folder.",
            home=path.parent,
            why=error.strerror,
        ) from error


def _hold(home: Path) -> None:
    if home not in _holds:
        _holds[home] = _open_lock(home / "postgres.users")
        fcntl.flock(_holds[home], fcntl.LOCK_SH)


def _info(
    home: Path, bin_dir: Path, cluster: Path, server: _Postmaster, *, started_by_us: bool
) -> ClusterInfo:
    return ClusterInfo(
        home=home,
        bin_dir=bin_dir,
        data_dir=cluster,
        socket_dir=server.socket_dir,
        port=server.port,
        database=DATABASE,
        user=USER,
        started_by_us=started_by_us,
    )


def ensure(data_dir: Path) -> ClusterInfo:
    """
    Make the private cluster of `data_dir` if there is none, start it if it does not run, say how to reach it.

    May be called again, by several processes at once, and after any of them was killed. Pair it with `stop`,
    or use `running`.

    Parameters
    ----------
    data_dir
        The project's data folder (`settings().data_dir`). Run as root, the cluster belongs to `postgres` (or
        `nobody`), and lives under /var/lib/huiyan where that user cannot enter `data_dir`.

    Raises
    ------
    ClusterError
        If PostgreSQL, PostGIS or pgRouting is not installed, or the server does not start.
    """
    home = data_dir.expanduser().resolve()
    known = _known.get(home)
    if known and home in _holds and _postmaster_is_ready(known.data_dir):
        return known
    with _alone(home):
        place = _existing_place(home)
        if place is None:
            bin_dir = find_postgres()
            account = _account(home / "postgres" / "cluster")
            _require_programs(bin_dir, account)
            place = _new_place(home, account, FALLBACK_ROOT / _name_of(home))
            _initdb(bin_dir, place, account, durable=True)
        else:
            account = _account(place / "cluster")
            bin_dir = find_postgres(_made_by(place / "cluster"))
            _require_programs(bin_dir, account)
        _remember(home, place)
        cluster = place / "cluster"
        server = _postmaster(cluster)
        started_now = server is None
        try:
            while server is None or not server.ready:
                time.sleep(0.02 if server else 0)
                server = _postmaster(cluster) or _start_again(bin_dir, place, account)
            if started_now:
                _started.add(home)
            info = _info(home, bin_dir, cluster, server, started_by_us=home in _started)
            furnished = place / "furnished"
            if not furnished.exists() or furnished.read_text(encoding="ascii") != FURNISHING:
                _prepare(info)
                furnished.write_text(FURNISHING, encoding="ascii")
            _hold(home)
            _known[home] = info
        except BaseException:
            if started_now:
                _started.discard(home)
                _shut_down(cluster)
            raise
        return info


def _postmaster_is_ready(cluster: Path) -> bool:
    server = _postmaster(cluster)
    return server is not None and server.ready


def _made_by(cluster: Path) -> int:
    try:
        return int((cluster / "PG_VERSION").read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise ClusterError(
            "{cluster} is not a whole PostgreSQL cluster: its PG_VERSION cannot be read.",
            "Move that folder away; the next start makes a new database and loads the town again.",
            cluster=cluster,
        ) from error


def _require_programs(bin_dir: Path, account: _Account | None) -> None:
    if not _enters(account, bin_dir):
        raise ClusterError(
            "User {user} cannot run PostgreSQL from {bin_dir}, and it does not run as root.",
            "Install it where everybody may enter, or run as an ordinary user.",
            user=account.name if account else "",
            bin_dir=bin_dir,
        )


def _remember(home: Path, place: Path) -> None:
    """Leave a word in `home` about a cluster that lives elsewhere, and there about whose it is."""
    pointer = _pointer(home)
    if place == home / "postgres":
        pointer.unlink(missing_ok=True)
        return
    for path, content in ((place / "home", home), (pointer, place)):
        if not path.exists() or path.read_text(encoding="utf-8").strip() != str(content):
            path.write_text(f"{content}\n", encoding="utf-8")


def stop(info: ClusterInfo) -> bool:
    """
    Let go of the cluster, and shut it down if no other process uses it.

    Call it at the end whether or not this process started the server: a command that found the server of
    another command running may be the last one out.

    Returns
    -------
    stopped
        Whether the server is down now.
    """
    with _alone(info.home):
        held = _holds.pop(info.home, None)
        if held is not None:
            os.close(held)
        _started.discard(info.home)
        _known.pop(info.home, None)
        others = _open_lock(info.home / "postgres.users")
        try:
            fcntl.flock(others, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(others)
        _shut_down(info.data_dir)
        return True


@contextlib.contextmanager
def running(data_dir: Path) -> Iterator[ClusterInfo]:
    """The cluster of `data_dir` for the length of a `with` block: `ensure` before, `stop` after."""
    info = ensure(data_dir)
    try:
        yield info
    finally:
        stop(info)


def status(data_dir: Path) -> ClusterStatus:
    """Where the cluster of `data_dir` lives, whether it runs, which version made it and how big it is."""
    home = data_dir.expanduser().resolve()
    place = _existing_place(home)
    cluster = (place or home / "postgres") / "cluster"
    server = _postmaster(cluster) if place else None
    try:
        major: int | None = _made_by(cluster)
    except ClusterError:
        major = None
    return ClusterStatus(
        running=server is not None,
        exists=place is not None,
        data_dir=cluster,
        moved=place is not None and place != home / "postgres",
        socket_dir=server.socket_dir if server else None,
        pid=server.pid if server else None,
        major=major,
        size_bytes=_size(cluster) if major is not None else None,
        log=cluster.parent / "log",
    )


def _size(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(root) / name).lstat().st_size
    return total


@contextlib.contextmanager
def temporary(folder: Path) -> Iterator[ClusterInfo]:
    """
    A throw-away cluster in `folder`, or in /tmp where the database's user cannot enter `folder`.

    Not durable and therefore quick; stopped and deleted at the end of the block, and stopped with the process
    that made it whatever becomes of that.
    """
    home = folder.expanduser().resolve()
    home.mkdir(parents=True, exist_ok=True)
    bin_dir = find_postgres()
    account = _account(home / "postgres" / "cluster")
    _require_programs(bin_dir, account)
    place = Path(tempfile.mkdtemp(prefix="postgres-", dir=home))
    place.chmod(0o711)
    if not (_enters(account, place) and _can_give(place, account)):
        place.rmdir()
        place = Path(tempfile.mkdtemp(prefix="huiyan-", dir="/tmp"))
        place.chmod(0o711)
    cluster = place / "cluster"
    try:
        _initdb(bin_dir, place, account, durable=False)
        server = _start(bin_dir, place, account, durable=False)
        info = _info(home, bin_dir, cluster, server, started_by_us=True)
        _prepare(info)
        yield info
    finally:
        _shut_down(cluster, signal.SIGQUIT, 10.0)
        shutil.rmtree(_socket_path(place, account), ignore_errors=True)
        shutil.rmtree(place, ignore_errors=True)
