"""Plays the customers, runs each client, and compares what arrived at the simulator with what was to be sent."""

import json
import os
import struct
import subprocess
import sys
import zlib
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

import httpx


@dataclass
class Client:
    """A client, its customer, and its ways."""

    name: str
    command: list[str]
    phone: str
    customer: str
    body: str
    """What it calls a template's body."""
    metadata: int
    """How often it asks for a file's metadata: kapso does so again before it downloads."""


CLIENTS = [
    Client("pywa", [sys.executable, "with_pywa.py"], "16315551234", "Ada", "BODY", 1),
    Client("kapso", ["node", "with_kapso.js"], "16315555678", "Grace", "body", 2),
]
TEMPLATE = {
    "name": "order_shipped",
    "language": "en_US",
    "category": "UTILITY",
    "components": [
        {
            "type": "BODY",
            "text": "Hi {{1}}, your order is on its way.",
            "example": {"body_text": [["Emilia"]]},
        }
    ],
}


def png() -> bytes:
    """A picture of one green pixel."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\0\x2e\x8b\x57")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")


def messages(client: Client, picture: str) -> list[dict]:
    """The bodies that a client sends."""
    button = {"type": "reply", "reply": {"id": "yes", "title": "Yes"}}
    parameter = {"type": "text", "text": client.customer}
    contents = [
        ("text", {"body": "At your service", "preview_url": False}),
        ("image", {"id": picture, "caption": "A fern"}),
        ("image", {"link": "https://example.com/fern.png"}),
        ("interactive", {"type": "button", "body": {"text": "Shall it be sent?"}, "action": {"buttons": [button]}}),
        (
            "template",
            {
                "name": TEMPLATE["name"],
                "language": {"code": TEMPLATE["language"]},
                "components": [{"type": client.body, "parameters": [parameter]}],
            },
        ),
    ]
    envelope = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": client.phone}
    return [envelope | {"type": kind, kind: content} for kind, content in contents]


def requests(client: Client, picture: str) -> list[str]:
    """The requests that a client makes, as the simulator sees them, and their answers."""
    return [
        "POST /media 200",
        *["POST /messages 200"] * 5,
        *[f"GET /{picture} 200"] * client.metadata,
        "GET /whatsapp_business/attachments/ 200",
        "POST /messages 200",
        "POST /messages 404",
        "POST /messages 401",
    ]


def same(what: str, expected: object, arrived: object) -> None:
    """Ends with what differs, if anything does."""
    if arrived != expected:
        lines = [json.dumps(it, indent=1, sort_keys=True).splitlines() for it in (expected, arrived)]
        sys.exit("\n".join([what, *unified_diff(*lines, "expected", "arrived", lineterm="")]))


def main(url: str) -> None:
    simulator = httpx.Client(base_url=url, trust_env=False)

    def post(path: str, body: dict) -> dict:
        headers = {"D360-API-KEY": os.environ["SIMULATOR_API_KEY"]}
        return simulator.post(path, json=body, headers=headers).raise_for_status().json()

    def get(path: str) -> list[dict]:
        return simulator.get(f"/simulator{path}").raise_for_status().json()

    post("/v1/configs/templates", TEMPLATE)
    post(f"/simulator/templates/{TEMPLATE['name']}/review", {"decision": "approve"})
    Path("fern.png").write_bytes(png())
    for client in CLIENTS:
        customer = {"phone": client.phone, "name": client.customer}
        greeting = post("/simulator/customers", {"who": customer, "act": "say", "text": "Hi"})["id"]
        before = get("/requests")[-1]["sequence"]
        subprocess.run([*client.command, url, client.phone, client.customer, greeting], check=True)

        arrived = [it["body"] for it in get("/messages") if it["body"]["to"] == client.phone]
        seen = get(f"/requests?after={before}")
        picture = arrived[1]["image"]["id"]
        same(f"messages of {client.name}", messages(client, picture), arrived)
        lines = [f"{it['method']} {it['path']} {it['status']}" for it in seen]
        same(f"requests of {client.name}", requests(client, picture), lines)
        read = {"messaging_product": "whatsapp", "status": "read", "message_id": greeting}
        same(f"receipt of {client.name}", read, seen[-3]["body"])
        told = f"{len(arrived)} messages in {len(seen)} requests"
        print(f"{client.name:6}  {'as the simulator has it':28}  {told}, as they were sent", flush=True)


main(sys.argv[1])
