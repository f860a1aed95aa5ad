"""PyPI's pywa, with a transport that leads what is meant for Meta to 360dialog."""

import hashlib
import os
import re
import sys
from pathlib import Path

import httpx
from pywa import WhatsApp, errors
from pywa.types import Button
from pywa.types.templates import BodyText, TemplateLanguage

URL, PHONE, NAME, GREETING = sys.argv[1:]


class To360dialog(httpx.HTTPTransport):
    """`/v{N}/{phone-id}/x` with a bearer's token becomes `/x` with `D360-API-KEY`; of a file's address only the host changes."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = re.sub(rb"^/v[\d.]+(/\d+(?=/))?", b"", request.url.raw_path)
        request.url = httpx.URL(URL).copy_with(raw_path=path)
        request.headers["Host"] = request.url.netloc.decode()
        request.headers["D360-API-KEY"] = request.headers.pop("Authorization").removeprefix("Bearer ")
        return super().handle_request(request)


def client(key: str) -> WhatsApp:
    session = httpx.Client(transport=To360dialog())
    return WhatsApp(phone_id="106540352242922", token=key, session=session)


def told(step: str, answer: object) -> None:
    print(f"pywa    {step:28}  {answer}", flush=True)


whatsapp = client(os.environ["SIMULATOR_API_KEY"])
picture = Path("fern.png")

uploaded = whatsapp.upload_media(picture, mime_type="image/png")
told("upload a picture", uploaded.id)
told("send text", whatsapp.send_message(PHONE, "At your service").id)
told("send the picture by id", whatsapp.send_image(PHONE, uploaded.id, caption="A fern").id)
told("send a picture by link", whatsapp.send_image(PHONE, "https://example.com/fern.png").id)
buttons = [Button(title="Yes", callback_data="yes")]
told("send reply buttons", whatsapp.send_message(PHONE, "Shall it be sent?", buttons=buttons).id)
language = TemplateLanguage.ENGLISH_US
sent = whatsapp.send_template(PHONE, "order_shipped", language, [BodyText.params(NAME)])
told("send a template", f"{sent.id} {sent.status}")

described = whatsapp.get_media_url(uploaded.id)
told("ask for the metadata", f"{described.mime_type}, {described.file_size} bytes")
assert described.sha256 == hashlib.sha256(picture.read_bytes()).hexdigest()
downloaded = whatsapp.get_media_bytes(described.url)
assert downloaded == picture.read_bytes()
told("download the picture", f"the same {len(downloaded)} bytes")
read = whatsapp.mark_message_as_read(GREETING)
assert read.success
told("mark a message as read", read)

try:
    whatsapp.send_template(PHONE, "never_created", language, [])
    sys.exit("a template that does not exist was sent")
except errors.TemplateNotExists as error:
    told("send an unknown template", f"{type(error).__name__}: {error.code} {error.details}")
try:
    client("wrong").send_message(PHONE, "At your service")
    sys.exit("a wrong key was taken")
except errors.WhatsAppError as error:
    assert error.status_code == 401
    told("send with a wrong key", f"{type(error).__name__}: {error.code} {error.message}")
