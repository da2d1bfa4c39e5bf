"""Sends requests with the CloudEvents SDK for Python and reads the answers with it:
judge.py URL PICTURE. It ends with 1, and says why, where one is not as the SDK's
users would want it."""

import base64
import json
import sys
import urllib.request

from cloudevents.core.bindings import http
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v03.event import CloudEvent as OldEvent
from cloudevents.core.v1.event import CloudEvent

url, picture_path = sys.argv[1:]
with open(picture_path, "rb") as f:
    picture = f.read()


def send(message):
    body = message.body if isinstance(message.body, bytes) else message.body.encode()
    asked = urllib.request.Request(url, body, message.headers, method="POST")
    with urllib.request.urlopen(asked) as resp:
        headers = {k.lower(): v for k, v in resp.headers.items()}
        return http.HTTPMessage(headers=headers, body=resp.read())


def request(kind, id, data, content_type):
    return kind(
        attributes={
            "id": id, "source": "/judge", "type": "dev.saccade.detect.v1", "subject": "the gate é",
            "function": "eye", "traceparent": "00-1-2-01", "datacontenttype": content_type,
        } | ({"specversion": "0.3"} if kind is OldEvent else {}),
        data=data,
    )


def check(event, id, mode):
    assert event.get_type() == "dev.saccade.detected.v1", mode
    assert event.get_subject() == "the gate é", (mode, event.get_subject())
    assert event.get_id() != id, mode
    for name, want in {"causationid": id, "traceparent": "00-1-2-01", "coldstart": "false"}.items():
        got = str(event.get_extension(name))
        assert got.lower() == want, (mode, name, got)
    data = event.get_data()
    reply = data if isinstance(data, dict) else json.loads(data)
    assert reply["detections"][0]["class"] == "cat", mode


judged = 0
in_json = {"image": {"base64": base64.b64encode(picture).decode()}, "min_score": 0.4}
for name, write, read in (
    ("binary", http.to_binary_event, http.from_binary_event),
    ("structured", http.to_structured_event, http.from_structured_event),
):
    for kind, data, content_type in (
        (CloudEvent, picture, "image/png"),
        (CloudEvent, in_json, "application/json"),
        (OldEvent, in_json, "application/json"),
    ):
        check(read(send(write(request(kind, name, data, content_type)))), name, f"{name}, {content_type}, {kind}")
        judged += 1

one = http.to_structured_event(request(CloudEvent, "1", in_json, "application/json")).body.decode()
two = http.to_structured_event(request(CloudEvent, "2", picture, "image/png")).body.decode()
answer = send(http.HTTPMessage(headers={"content-type": "application/cloudevents-batch+json"}, body=f"[{one},{two}]".encode()))
for id, element in zip(("1", "2"), json.loads(answer.body), strict=True):
    check(JSONFormat().read(None, json.dumps(element)), id, "batched")
    judged += 1
print(f"judged {judged} answers")
