"""Runs one command with limits, possibly in an unusual environment, and detects hangs."""

import os
import resource
import signal
import subprocess
import time

# The seconds that a command may take, not counting the time that it waits for processors.
PATIENCE = 5.0
# The seconds after which a command with much work is told to stop. It only has to stop then.
WORK = 2.0
MEMORY = 1500 << 20
TICKS = os.sysconf("SC_CLK_TCK")


class Surroundings:
    """The environment of a command, apart from its files."""

    def __init__(self, stdout="file", stderr="file", file_size=None, files=None, signal_after=None, signal=None, fake=0):
        self.stdout, self.stderr, self.file_size, self.files = stdout, stderr, file_size, files
        self.signal_after, self.signal, self.fake = signal_after, signal, fake

    @property
    def are_usual(self):
        return self.stdout == self.stderr == "file" and self.file_size is None and self.files is None and self.signal is None

    def shell(self):
        """Shell syntax that creates this environment, for users who repeat a case."""
        redirect = {"file": "", "full": " >/dev/full", "closed": " >&-", "broken": " | true"}
        before = f"env FAKE={self.fake} " if self.fake else ""
        before = (f"ulimit -n {self.files}; " if self.files else "") + before
        before = (f"trap '' XFSZ; prlimit --fsize={self.file_size} " if self.file_size is not None else "") + before
        after = redirect[self.stdout] + redirect[self.stderr].replace(">", "2>").replace("| true", "2>&1 | true")
        return before, after + (
            f"  # SIG{signal.Signals(self.signal).name[3:]} after {self.signal_after:.3f} s" if self.signal else ""
        )


class Outcome:
    def __init__(self):
        self.status = None
        self.stdout = self.stderr = b""
        self.memory = 0
        self.seconds = 0.0
        # Faults that were detected while the command ran.
        self.faults = []
        # The command ran for long, and was told to stop.
        self.was_stopped = False


def session(leader):
    """For each process id of the session: the seconds on processors, and the seconds spent waiting for one."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
            if int(fields[3]) != leader or fields[0] in (b"Z", b"X"):
                continue
            waited = sum(waits_of_thread(name, task) for task in os.listdir(f"/proc/{name}/task"))
            found[int(name)] = ((int(fields[11]) + int(fields[12])) / TICKS, waited)
        except (OSError, IndexError, ValueError):
            continue
    return found


def waits_of_thread(process, thread):
    try:
        with open(f"/proc/{process}/task/{thread}/schedstat") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, IndexError):
        # The thread has ended.
        return 0.0


def run(argv, cwd, environment, around, may_work):
    outcome = Outcome()
    environment = {**environment, "FAKE": str(around.fake)}
    cores = os.cpu_count() or 1

    def limits():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # The limit grows with the cores, because stacks and pools of threads take address space without using memory.
        resource.setrlimit(resource.RLIMIT_AS, ((16 + cores) << 30, (16 + cores) << 30))
        if around.file_size is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (around.file_size, around.file_size))
        if around.files is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (around.files, around.files))
        for descriptor, mode in ((1, around.stdout), (2, around.stderr)):
            if mode == "closed":
                os.close(descriptor)

    with open(cwd.parent / "stdout", "w+b") as out, open(cwd.parent / "stderr", "w+b") as err:
        handles, opened = [], []
        for mode, file in ((around.stdout, out), (around.stderr, err)):
            if mode == "full":
                file = open("/dev/full", "wb", buffering=0)
                opened.append(file)
            elif mode == "broken":
                read, write = os.pipe()
                os.close(read)
                file = os.fdopen(write, "wb", buffering=0)
                opened.append(file)
            handles.append(file)
        start = time.monotonic()
        process = subprocess.Popen(
            argv, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=handles[0], stderr=handles[1],
            preexec_fn=limits, start_new_session=True, restore_signals=False)  # fmt: skip
        for file in opened:
            file.close()
        watch(process, outcome, around, may_work, start)
        outcome.seconds = time.monotonic() - start
        # Grandchildren may need a moment to react to the signal.
        for _ in range(100):
            left = session(process.pid)
            if not left:
                break
            time.sleep(0.02)
        if left:
            outcome.faults.append(f"it left {len(left)} process behind")
            kill(process.pid, signal.SIGKILL)
        for file, name in ((out, "stdout"), (err, "stderr")):
            file.seek(0)
            setattr(outcome, name, file.read(64 << 20))
    return outcome


def kill(leader, number):
    try:
        os.killpg(leader, number)
    except ProcessLookupError:
        pass
    for other in session(leader):
        try:
            os.kill(other, number)
        except ProcessLookupError:
            pass


def watch(process, outcome, around, may_work, start):
    """Waits for the process. Tells it to stop if it works for long, and kills it if it hangs."""
    limit, pause = (WORK if may_work else PATIENCE), 0.001
    told, base = None, 0.0
    sent = around.signal is None
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = outcome.status = os.waitstatus_to_exitcode(status)
            outcome.memory = usage.ru_maxrss << 10
            return
        now = time.monotonic()
        if not sent and now - start >= around.signal_after:
            os.kill(process.pid, around.signal)
            sent = True
            # From now on it has the usual time to stop.
            start, may_work, limit, base = now, False, PATIENCE, waits(process.pid)
        if now - start > limit:
            waited = waits(process.pid) - base
            took = now - start - waited
            is_working = told is None and may_work and took > limit and is_busy(process.pid)
            if not session(process.pid):
                # It has ended in the meantime.
                continue
            if is_working:
                os.kill(process.pid, signal.SIGTERM)
                told = start = time.monotonic()
                base = waits(process.pid)
                limit, outcome.was_stopped = PATIENCE, True
            elif took > max(limit, PATIENCE):
                what = "deaf to SIGTERM" if told else "deaf to the signal" if around.signal else "a hang"
                outcome.faults.append(f"{what}: {now - start:.1f} s, of which it waited {waited:.1f} s for a processor")
                kill(process.pid, signal.SIGKILL)
                limit = 1e9
        time.sleep(pause)
        pause = min(pause * 1.3, 0.02)


def waits(leader):
    return sum(waited for _, waited in session(leader).values())


def is_busy(leader):
    """Whether the session uses or waits for a processor for more than 0.1 s of half a second."""
    before = session(leader)
    time.sleep(0.5)
    after = session(leader)
    return sum(sum(times) - sum(before.get(pid, (0, 0))) for pid, times in after.items()) > 0.1
