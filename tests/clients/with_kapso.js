// npm's @kapso/whatsapp-cloud-api, with its base URL changed and a `fetch` that says it as 360dialog does.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { GraphApiError, WhatsAppClient } from "@kapso/whatsapp-cloud-api";

const [baseUrl, to, name, greeting] = process.argv.slice(2);
const phoneNumberId = "106540352242922";

// `/v{N}/{phone-id}/x` with a bearer's token becomes `/x` with `D360-API-KEY`; of a file's address only the host changes.
function to360dialog(address, init) {
  const { pathname, search } = new URL(address);
  const { Authorization: token, ...headers } = init.headers;
  headers["D360-API-KEY"] = token.replace("Bearer ", "");
  return fetch(baseUrl + pathname.replace(/^\/v[\d.]+(\/\d+(?=\/))?/, "") + search, { ...init, headers });
}

const clientWith = (accessToken) => new WhatsAppClient({ baseUrl, accessToken, fetch: to360dialog });

const told = (step, answer) => console.log(`kapso   ${step.padEnd(28)}  ${answer}`);

const refusalOf = (sending) => sending.then(() => assert.fail("it was sent"), (error) => error);

const client = clientWith(process.env.SIMULATOR_API_KEY);
const recipient = { phoneNumberId, to };
const picture = await readFile("fern.png");

const file = new Blob([picture], { type: "image/png" });
const { id: mediaId } = await client.media.upload({ phoneNumberId, type: "image/png", file, fileName: "fern.png" });
told("upload a picture", mediaId);

async function send(step, sending) {
  const [message] = (await sending).messages;
  told(step, [message.id, message.messageStatus].join(" ").trim());
}
const { messages } = client;
await send("send text", messages.sendText({ ...recipient, body: "At your service", previewUrl: false }));
await send("send the picture by id", messages.sendImage({ ...recipient, image: { id: mediaId, caption: "A fern" } }));
await send("send a picture by link", messages.sendImage({ ...recipient, image: { link: "https://example.com/fern.png" } }));
const buttons = [{ id: "yes", title: "Yes" }];
await send("send reply buttons", messages.sendInteractiveButtons({ ...recipient, bodyText: "Shall it be sent?", buttons }));
const language = { code: "en_US" };
const components = [{ type: "body", parameters: [{ type: "text", text: name }] }];
await send("send a template", messages.sendTemplate({ ...recipient, template: { name: "order_shipped", language, components } }));

const described = await client.media.get({ mediaId });
told("ask for the metadata", `${described.mimeType}, ${described.fileSize} bytes`);
assert.equal(described.sha256, createHash("sha256").update(picture).digest("hex"));
// Meta's addresses need the token too; left to itself, this client sends it to its maker's proxy only.
const downloaded = Buffer.from(await client.media.download({ mediaId, auth: "always" }));
assert.deepEqual(downloaded, picture);
told("download the picture", `the same ${downloaded.length} bytes`);
const read = await messages.markRead({ phoneNumberId, messageId: greeting });
assert.ok(read.success);
told("mark a message as read", JSON.stringify(read));

const unknown = await refusalOf(messages.sendTemplate({ ...recipient, template: { name: "never_created", language } }));
assert.ok(unknown instanceof GraphApiError && unknown.isTemplateError(), unknown);
assert.equal(unknown.code, 132001);
told("send an unknown template", `${unknown.name}: ${unknown.code} ${unknown.category}, ${unknown.details}`);
const stranger = await refusalOf(clientWith("wrong").messages.sendText({ ...recipient, body: "At your service" }));
assert.ok(stranger instanceof GraphApiError && stranger.isAuthError(), stranger);
assert.equal(stranger.httpStatus, 401);
told("send with a wrong key", `${stranger.name}: ${stranger.code} ${stranger.category}, ${stranger.message}`);
