"""The sandbox on Linux: the kernel refuses processes, sockets and foreign files to any code.

Two facilities that need no privileges: seccomp, a filter of system calls, and Landlock, which
restricts access to some folders. If one is missing, in an old kernel or a container, the other
still protects.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable, Sequence

assert sys.platform == "linux"  # imported on Linux only

NO_NEW_PRIVILEGES, SET_SECCOMP, DEATH_SIGNAL, FILTER, KILLED = 38, 22, 1, 2, 9
REFUSED_BY_NUMBER = {  # numbers of x86-64 and aarch64; None if there is no such call
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200),
    "listen": (50, 201), "accept": (43, 202), "accept4": (288, 242), "fork": (57, None),
    "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281), "kill": (62, 129),
    "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424),
    "setsid": (112, 157), "setpgid": (109, 154), "unshare": (272, 97), "setns": (308, 268),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "mknod": (133, None), "mknodat": (259, 33), "reboot": (169, 142), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218), "setuid": (105, 146),
    "setgid": (106, 144), "init_module": (175, 105), "finit_module": (313, 273),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "sethostname": (170, 161),
    "swapon": (167, 224), "shmget": (29, 194), "msgget": (68, 186), "mq_open": (240, 180),
    "setrlimit": (160, 164),
}  # fmt: skip
CLONE, CLONE3, PRLIMIT, TGKILL = (56, 220), (435, 435), (302, 261), (234, 131)
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
THREAD = 0x00010000  # the flag CLONE_THREAD of clone
ALLOW, EPERM, ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026
LOAD, EQUAL, GREATER, BITS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
CREATE_RULES, ADD_RULE, RESTRICT = 444, 445, 446
# Bits of Landlock's rights: execute, write, read a file, read a folder, then changes of folders.
READ, WRITE, ALL = 0b1100, 0b10, (1 << 13) - 1
REFER, TRUNCATE = 1 << 13, 1 << 14


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent ends."""
    ctypes.CDLL(None).prctl(DEATH_SIGNAL, KILLED, 0, 0, 0)


def confine(folder: str, read: Iterable[str], hidden: Iterable[str]) -> list[str]:
    """Restrict files, processes and sockets; return the names of the active facilities.

    Parameters
    ----------
    own : str
        The only folder in which this process may write.
    read, hidden : iterable of str
        Readable paths, and paths among them that are excluded.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        return []
    active = []
    if _landlock(libc, folder, _open_paths(read, [os.path.realpath(path) for path in hidden])):
        active.append("landlock")
    if _seccomp(libc):
        active.append("seccomp")
    return active


def _seccomp(libc: ctypes.CDLL) -> bool:
    machine = os.uname().machine
    if machine not in MACHINES:
        return False
    program = _filter(*MACHINES[machine])
    code = ctypes.create_string_buffer(b"".join(program))
    head = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code))
    return not libc.prctl(SET_SECCOMP, FILTER, ctypes.c_char_p(head), 0, 0)


def _filter(column: int, architecture: int) -> list[bytes]:
    """Return the BPF program that the kernel runs for each system call."""
    numbers = sorted(n for pair in REFUSED_BY_NUMBER.values() if (n := pair[column]) is not None)

    def line(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("HBBI", code, yes, no, value)

    program = [
        line(LOAD, 4), line(EQUAL, architecture, 1, 0), line(RETURN, EPERM),
        line(LOAD, 0), line(GREATER, 0x40000000, 0, 1), line(RETURN, EPERM),  # x32's numbers
        line(EQUAL, CLONE3[column], 0, 1), line(RETURN, ENOSYS),  # then the C library tries clone
        line(EQUAL, CLONE[column], 0, 4),
        line(LOAD, 16), line(BITS, THREAD, 1, 0), line(RETURN, EPERM), line(RETURN, ALLOW),
        line(EQUAL, PRLIMIT[column], 0, 4),  # may read limits, not set them
        line(LOAD, 32), line(EQUAL, 0, 1, 0), line(RETURN, EPERM), line(RETURN, ALLOW),
        line(EQUAL, TGKILL[column], 0, 4),  # a process may signal itself: abort()
        line(LOAD, 16), line(EQUAL, os.getpid(), 1, 0), line(RETURN, EPERM), line(RETURN, ALLOW),
    ]  # fmt: skip
    for number in numbers:
        program += [line(EQUAL, number, 0, 1), line(RETURN, EPERM)]
    return [*program, line(RETURN, ALLOW)]


def _landlock(libc: ctypes.CDLL, folder: str, read: Sequence[str]) -> bool:
    version = libc.syscall(CREATE_RULES, None, 0, 1)
    if version < 1:
        return False
    handled = ALL | (REFER if version >= 2 else 0) | (TRUNCATE if version >= 3 else 0)
    attributes = struct.pack("Q", handled)
    rules = libc.syscall(CREATE_RULES, ctypes.c_char_p(attributes), len(attributes), 0)
    if rules < 0:
        return False
    try:
        for path, rights in [(folder, handled & ~1), *((path, READ) for path in read)]:
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
        rights &= 0b110 | TRUNCATE
    rule = struct.pack("=Qi", rights, descriptor)
    libc.syscall(ADD_RULE, rules, 1, ctypes.c_char_p(rule), 0)
    os.close(descriptor)


def _open_paths(read: Iterable[str], hidden: Sequence[str]) -> list[str]:
    """Return the readable paths; a folder with hidden paths is replaced by its other entries."""
    readable, waiting = [], [os.path.realpath(path) for path in read]
    while waiting:
        path = waiting.pop()
        if any(path == secret or path.startswith(secret + os.sep) for secret in hidden):
            continue
        if any(secret.startswith(path.rstrip(os.sep) + os.sep) for secret in hidden):
            try:
                waiting += [os.path.join(path, name) for name in os.listdir(path)]
            except OSError:
                continue
        else:
            readable.append(path)
    return readable
