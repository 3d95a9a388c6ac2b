#!/usr/bin/env bash
# Guess: Webhook.sign() takes any aware datetime; 12:00 UTC and 13:00 at +01:00 are equal in Python, so is the
# signature.
# Truth: the time zone is replaced and not converted: a time of another zone is signed as if its clock showed UTC, and
# the receiver, who goes by the header made from the same moment, refuses. standardwebhooks 1.1.0 and svix 2.9.1 alike,
# 2026-11-30. It matters to senders that hold local times: none of their deliveries is accepted.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq 'standardwebhooks==1.1.0' 'svix==2.9.1'
cd "$work"
cat >look.py <<'PYTHON'
import base64
from datetime import datetime, timedelta, timezone
from importlib.metadata import version

import standardwebhooks
import svix.webhooks

SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
utc = datetime.now(timezone.utc).replace(microsecond=0)
berlin = utc.astimezone(timezone(timedelta(hours=1)))
assert utc == berlin
for name, kind in (("standardwebhooks", standardwebhooks.Webhook), ("svix", svix.webhooks.Webhook)):
    webhook = kind(SECRET)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(berlin.timestamp()))}
    outcomes = []
    for moment in (utc, berlin):
        try:
            webhook.verify("{}", headers | {"webhook-signature": webhook.sign("msg_1", moment, "{}")})
            outcomes.append("accepted")
        except Exception as error:
            outcomes.append(f"refused ({error})")
    print(f"{name} {version(name)}: signed with UTC {outcomes[0]}; with the same moment at +01:00 {outcomes[1]}")
    if outcomes[0] != "accepted" or not outcomes[1].startswith("refused"):
        raise SystemExit("changed: zones are treated otherwise")
PYTHON
"$work/venv/bin/python" look.py
