"""What is said where the system cannot confine a submission."""

import sys

import pytest

from chainrule._src.teach.confined import sealing


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's part is Linux's")
def test_what_the_kernel_has_is_tried(monkeypatch):
    assert set(sealing.facilities()) <= {"landlock", "seccomp"}
    monkeypatch.setattr(sealing, "facilities", lambda: ["landlock", "seccomp"])
    assert sealing.gap() == ""
    monkeypatch.setattr(sealing, "facilities", lambda: ["seccomp"])
    assert "has no Landlock (since Linux 5.13);" in sealing.gap()
    assert "--container podman" in sealing.gap()


@pytest.mark.parametrize(("platform", "name"), [("darwin", "macOS"), ("win32", "Windows")])
def test_other_systems_are_named(monkeypatch, platform, name):
    monkeypatch.setattr(sys, "platform", platform)
    assert sealing.gap().startswith(f"not sealed: {name} cannot confine")
