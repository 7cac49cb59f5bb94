"""Runs a program on a terminal of its own and types into it: steps come as JSON on stdin, what was seen goes out as JSON.

A step is {"expect": text, "type": text, "size": [rows, columns]}: waits for the text, then sets the size, then types.
"""
import fcntl, json, os, pty, select, struct, sys, termios, time

job = json.load(sys.stdin)
pid, fd = pty.fork()
if pid == 0:
    os.execvpe(job["argv"][0], job["argv"], {**os.environ, **job["env"]})


def size(rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


size(24, 80)
seen, searched, missing = "", 0, None
limit = time.time() + job["seconds"]


def read(timeout):
    global seen
    ready, _, _ = select.select([fd], [], [], timeout)
    if not ready:
        return True
    try:
        data = os.read(fd, 65536)
    except OSError:
        return False
    seen += data.decode("utf-8", "replace")
    return bool(data)


for step in job["steps"]:
    while step.get("expect", "") not in seen[searched:]:
        if time.time() > limit or not read(0.2):
            missing = step["expect"]
            break
    if missing is not None:
        break
    searched = seen.index(step.get("expect", ""), searched) + len(step.get("expect", ""))
    if "size" in step:
        size(*step["size"])
        time.sleep(0.4)
    if "type" in step:
        os.write(fd, step["type"].encode())
while missing is None and time.time() < limit and read(0.2):
    pass
if missing is not None:
    os.kill(pid, 9)
_, status = os.waitpid(pid, 0)
json.dump({"seen": seen, "missing": missing, "code": os.waitstatus_to_exitcode(status)}, sys.stdout)
