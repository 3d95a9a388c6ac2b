#!/usr/bin/env bash
# Guess: celery and redis, both installed, are all that Celery needs to send a message over Redis.
# Truth: kombu's Redis transport imports `packaging`, which only the extra celery[redis] brings; the web process starts,
# and fails at its first message. Test tools bring `packaging` by other ways, so tests pass. celery 5.7.0, kombu 5.7.0,
# redis-py 8.1.0, Python 3.11, 2026-11-30. It matters to every image that lists celery and redis side by side.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq 'celery==5.7.0' 'kombu==5.7.0' 'redis==8.1.0'
cat >"$work/transport.py" <<'PYTHON'
import celery, kombu, redis

print(f"celery {celery.__version__}, kombu {kombu.__version__}, redis-py {redis.__version__}: ", end="")
try:
    celery.Celery(broker="redis://127.0.0.1:6379/0").connection_for_write().transport
except ModuleNotFoundError as error:
    print(f"no module named {error.name!r}")
    raise SystemExit(3)
print("the transport loads")
PYTHON
status=0
"$work/venv/bin/python" "$work/transport.py" || status=$?
[ "$status" = 3 ] || { echo "changed: the plain installation is enough now"; exit 1; }
"$work/venv/bin/pip" install -qq 'celery[redis]==5.7.0' 'kombu==5.7.0' 'redis==8.1.0'
"$work/venv/bin/python" "$work/transport.py"
