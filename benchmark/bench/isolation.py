"""On which cores, and with which instructions, this process may run."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from collections.abc import Collection
from pathlib import Path

_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 22, 38
_SECCOMP_MODE_FILTER = 2
_SECCOMP_RET_ALLOW, _SECCOMP_RET_EPERM = 0x7FFF0000, 0x00050001
_LOAD_WORD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_SYSCALL_ARCH_PRCTL = 158
_ARCH_GET_XCOMP_PERM, _ARCH_REQ_XCOMP_PERM = 0x1022, 0x1023
_XFEATURE_XTILEDATA = 18


def list_cpu_features() -> set[str]:
    """Return the features of this machine's CPU, as the kernel names them."""
    return set((_get_cpu_info("flags") or _get_cpu_info("Features") or "").split())


def get_cpu_name() -> str:
    """Return what the CPU calls itself, and how many of them there are."""
    return f"{_get_cpu_info('model name') or platform.machine()}, {os.cpu_count()} CPUs"


def _get_cpu_info(key: str) -> str | None:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return None


def has_amx() -> bool:
    """Return whether this machine has AMX for bytes."""
    return "amx_int8" in list_cpu_features()


def pin(cores: Collection[int]) -> None:
    """Keep every thread of this process on ``cores``."""
    for thread in os.listdir("/proc/self/task"):
        try:
            os.sched_setaffinity(int(thread), cores)
        except ProcessLookupError:
            continue


def request_amx() -> bool:
    """Ask the kernel for AMX, for the whole process; return whether it agreed."""
    if platform.machine() != "x86_64":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.syscall(_SYSCALL_ARCH_PRCTL, _ARCH_REQ_XCOMP_PERM, _XFEATURE_XTILEDATA) == 0


def deny_amx() -> None:
    """Let the kernel refuse AMX from here on, whoever in this process asks for it.

    A seccomp filter answers EPERM to ``arch_prctl(ARCH_REQ_XCOMP_PERM)`` and to the question
    whether that was granted; everything else goes through. x86-64 only.
    """
    # Offsets in struct seccomp_data: the system call's number is at 0, its first argument at 16.
    program = [
        (_LOAD_WORD, 0, 0, 0),
        (_JUMP_IF_EQUAL, 0, 4, _SYSCALL_ARCH_PRCTL),
        (_LOAD_WORD, 0, 0, 16),
        (_JUMP_IF_EQUAL, 1, 0, _ARCH_REQ_XCOMP_PERM),
        (_JUMP_IF_EQUAL, 0, 1, _ARCH_GET_XCOMP_PERM),
        (_RETURN, 0, 0, _SECCOMP_RET_EPERM),
        (_RETURN, 0, 0, _SECCOMP_RET_ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    # struct sock_fprog: a count, padding and a pointer.
    header = ctypes.create_string_buffer(
        struct.pack("H6xP", len(program), ctypes.addressof(code)),
    )
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header
    ):
        error = ctypes.get_errno()
        raise OSError(error, f"seccomp: {os.strerror(error)}")
    if request_amx():
        raise OSError("the kernel granted AMX in spite of the filter")
