"""The sandbox on Linux: the kernel refuses processes, sockets and foreign files to any code.

Two facilities that need no privileges: seccomp, a filter of system calls (`system_calls` has those
that are allowed), and Landlock, which restricts access to some folders and, since Linux 6.12,
signals.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable, Sequence

from chainrule._src.teach.confined import system_calls as calls

assert sys.platform == "linux"  # imported on Linux only

NO_NEW_PRIVILEGES, SET_SECCOMP, DEATH_SIGNAL, FILTER, KILLED = 38, 22, 1, 2, 9
THREAD = 0x00010000  # the flag CLONE_THREAD of clone
ALLOW, EPERM, ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026
LOAD, EQUAL, AT_LEAST, BITS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # offsets in what a filter reads
CREATE_RULES, ADD_RULE, RESTRICT = 444, 445, 446
CAPABILITIES = 0x20080522  # the version of the structure that capset reads
# Bits of Landlock's rights: execute, write, read a file, read a folder, remove a folder, remove a
# file, then what a folder may get: the third of these is a file. No folders, links and pipes.
READ, ALL, OWN = 0b1100, (1 << 13) - 1, 0b1_0010_1110
NEWER_RIGHTS = {2: 1 << 13, 3: 1 << 14, 5: 1 << 15}  # by version: move, empty, control devices
CONNECTIONS, SCOPES = 0b11, 0b11  # TCP since version 4; abstract sockets and signals since 6


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent ends."""
    ctypes.CDLL(None).prctl(DEATH_SIGNAL, KILLED, 0, 0, 0)


def confine(folder: str, readable: Sequence[str]) -> list[str]:
    """Restrict files, processes and sockets; return the names of the active facilities.

    Parameters
    ----------
    folder : str
        The only folder in which this process may write: files, and no folders.
    readable : sequence of str
        Paths as `open_paths` returns them.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        return []
    active = []
    if _landlock(libc, folder, readable):
        active.append("landlock")
    if _seccomp(libc):
        active.append("seccomp")
    return active


def _seccomp(libc: ctypes.CDLL) -> bool:
    """Drop root's privileges, then refuse all system calls that are not in the list."""
    machine = os.uname().machine
    if machine not in calls.MACHINES:
        return False
    column, architecture = calls.MACHINES[machine]
    head, none = struct.pack("II", CAPABILITIES, 0), bytes(24)
    libc.syscall(calls.CAPSET[column], ctypes.c_char_p(head), ctypes.c_char_p(none))
    program = seccomp_filter(column, architecture)
    code = ctypes.create_string_buffer(b"".join(program))
    head = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code))
    return not libc.prctl(SET_SECCOMP, FILTER, ctypes.c_char_p(head), 0, 0)


def seccomp_filter(column: int, architecture: int) -> list[bytes]:
    """Return the BPF program that the kernel runs for each system call."""

    def line(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("HBBI", code, yes, no, value)

    def case(number: int, *lines: bytes) -> list[bytes]:
        return [line(EQUAL, number, 0, len(lines)), *lines]

    def argument(index: int, high: bool = False) -> bytes:
        return line(LOAD, ARGUMENTS + 8 * index + 4 * high)

    allow, refuse = line(RETURN, ALLOW), line(RETURN, EPERM)
    program = [
        line(LOAD, ARCHITECTURE), line(EQUAL, architecture, 1, 0), refuse,
        line(LOAD, NUMBER), line(AT_LEAST, 0x40000000, 0, 1), refuse,  # x32's numbers
    ]  # fmt: skip
    for numbers in calls.ALLOWED.values():
        if (number := numbers[column]) is not None:
            program += case(number, allow)
    for numbers, index, values in calls.ALLOWED_WITH.values():
        tests = [part for value in values for part in case(value, allow)]
        program += case(numbers[column] or 0, argument(index), *tests, refuse)
    threads = [argument(0), line(BITS, THREAD, 0, 1), allow, refuse]
    program += case(calls.CLONE[column], *threads)
    # May read limits, not set them: both halves of the address of new limits are zero.
    reads = [argument(2), line(EQUAL, 0, 0, 3), argument(2, high=True), line(EQUAL, 0, 0, 1)]
    program += case(calls.PRLIMIT[column], *reads, allow, refuse)
    itself = [argument(0), line(EQUAL, os.getpid(), 0, 1), allow, refuse]  # abort() signals itself
    program += case(calls.TGKILL[column], *itself)
    program += case(calls.CLONE3[column], line(RETURN, ENOSYS))  # then the C library tries clone
    return [*program, line(AT_LEAST, calls.FIRST_UNKNOWN, 0, 1), line(RETURN, ENOSYS), refuse]


def _landlock(libc: ctypes.CDLL, folder: str, read: Sequence[str]) -> bool:
    version = libc.syscall(CREATE_RULES, None, 0, 1)
    if version < 1:
        return False
    handled = ALL | sum(right for since, right in NEWER_RIGHTS.items() if version >= since)
    attributes = struct.pack("Q", handled)
    if version >= 4:
        attributes += struct.pack("Q", CONNECTIONS)
    if version >= 6:
        attributes += struct.pack("Q", SCOPES)
    rules = libc.syscall(CREATE_RULES, ctypes.c_char_p(attributes), len(attributes), 0)
    if rules < 0:
        return False
    try:
        writing = handled & (OWN | ~ALL)
        for path, rights in [(folder, writing), *((path, READ) for path in read)]:
            _allow(libc, rules, path, rights)
        return not libc.syscall(RESTRICT, rules, 0)
    finally:
        os.close(rules)


def _allow(libc: ctypes.CDLL, rules: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not os.path.isdir(path):
        rights &= 0b110 | NEWER_RIGHTS[3]
    rule = struct.pack("=Qi", rights, descriptor)
    libc.syscall(ADD_RULE, rules, 1, ctypes.c_char_p(rule), 0)
    os.close(descriptor)


def open_paths(read: Iterable[str], hidden: Iterable[str]) -> list[str]:
    """Return the readable paths; a folder with hidden paths is replaced by its other entries.

    Links are resolved before they are compared, so that no link leads to what is hidden. A link
    within such a folder that leads out of all readable folders is left out.
    """
    roots = [os.path.realpath(path) for path in read]
    secrets = [os.path.realpath(path) for path in hidden]
    readable: dict[str, None] = {}
    waiting, visited = [*roots], set()
    while waiting:
        path = os.path.realpath(waiting.pop())
        if path in visited or not _is_within(path, roots) or _is_within(path, secrets):
            continue
        visited.add(path)
        if any(_is_within(secret, [path]) for secret in secrets):
            try:
                waiting += [os.path.join(path, name) for name in os.listdir(path)]
            except OSError:
                continue
        else:
            readable[path] = None
    return [*readable]


def _is_within(path: str, folders: Iterable[str]) -> bool:
    return any(path == f or path.startswith(f.rstrip(os.sep) + os.sep) for f in folders)
