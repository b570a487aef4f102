"""Processes, ports and waits."""

import socket
import subprocess
import time


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on right now."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def eventually(condition, seconds: float, what, every: float = 0.02):
    """Waits until `condition()` is true and returns it; says `what` (text, or a call that gives one) was awaited."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s: {what() if callable(what) else what}")
        time.sleep(every)


def bound_to_us(command: list[str]) -> list[str]:
    """The command, so started that it dies with the test run however that ends; its pid is the command's own."""
    return ["setpriv", "--pdeathsig", "KILL", *command]


def stop(process: subprocess.Popen, seconds: float = 15):
    """Ends a process that we started: asked first, forced after that long."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(seconds)
