-- Version 1. Times are milliseconds since 1970 (UTC). What is JSON is text.
--
-- Whatever belongs to a channel goes with it. Every index ends with its table's integer key, so that one on `channel`
-- also gives that channel's rows in order.

-- Facts of the store itself.
CREATE TABLE host (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE channel (
    id TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
    name TEXT NOT NULL UNIQUE,
    number TEXT UNIQUE,
    plugin TEXT NOT NULL,
    description TEXT NOT NULL, -- JSON: what the plugin said of itself when the channel was added
    settings TEXT NOT NULL,    -- JSON, with placeholders for secrets
    state TEXT NOT NULL,
    detail TEXT,
    connected TEXT,            -- JSON: what connecting gave
    base TEXT,                 -- this host's address in the webhook that was registered
    added INTEGER NOT NULL,
    listening_since INTEGER
) STRICT;

CREATE TABLE secret (
    channel TEXT NOT NULL REFERENCES channel ON DELETE CASCADE,
    name TEXT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (channel, name)
) STRICT, WITHOUT ROWID;

-- What was posted to a channel, as it came.
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    channel TEXT NOT NULL REFERENCES channel ON DELETE CASCADE,
    received INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'done', 'parked')),
    reason TEXT,               -- why it is parked, in one word
    detail TEXT,
    events INTEGER,            -- how many events it gave
    settled INTEGER,
    request TEXT NOT NULL,     -- JSON: method, path, query, headers
    body BLOB NOT NULL,
    CHECK ((state = 'parked') = (reason IS NOT NULL))
) STRICT;
CREATE INDEX delivery_of_channel ON delivery (channel);
CREATE INDEX delivery_pending ON delivery (channel) WHERE state = 'pending';
CREATE INDEX delivery_parked ON delivery (channel) WHERE state = 'parked';

CREATE TABLE event (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    channel TEXT NOT NULL REFERENCES channel ON DELETE CASCADE,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    at INTEGER NOT NULL,
    delivery INTEGER,          -- which may be gone by now
    json TEXT NOT NULL,
    UNIQUE (channel, id)
) STRICT;
CREATE INDEX event_of_channel ON event (channel);

-- What plugins keep.
CREATE TABLE storage (
    channel TEXT NOT NULL REFERENCES channel ON DELETE CASCADE,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (channel, key)
) STRICT, WITHOUT ROWID;

-- Messages that were accepted for sending.
CREATE TABLE message (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    channel TEXT NOT NULL REFERENCES channel ON DELETE CASCADE,
    contact TEXT NOT NULL,     -- the queue that it stands in
    recipient TEXT NOT NULL,
    message TEXT NOT NULL,     -- JSON, as accepted
    state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'uncertain', 'accepted', 'sent', 'delivered', 'read',
                                         'played', 'failed', 'held', 'cancelled')),
    open INTEGER NOT NULL CHECK (open IN (0, 1)), -- 1 while it stands in its contact's queue
    part INTEGER NOT NULL,     -- the one to send next
    parts INTEGER NOT NULL CHECK (parts > 0),
    attempts INTEGER NOT NULL DEFAULT 0,
    due INTEGER NOT NULL,
    uncertain_since INTEGER,
    error TEXT,                -- JSON
    warnings TEXT,             -- JSON
    accepted INTEGER NOT NULL,
    settled INTEGER
) STRICT;
CREATE INDEX message_of_channel ON message (channel);
CREATE INDEX message_queue ON message (channel, contact) WHERE open = 1;
CREATE INDEX message_due ON message (channel, due) WHERE open = 1;

-- The requests that a message consists of.
CREATE TABLE part (
    message INTEGER NOT NULL REFERENCES message ON DELETE CASCADE,
    number INTEGER NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    content_type TEXT NOT NULL,
    body BLOB NOT NULL,
    reference TEXT NOT NULL UNIQUE,
    vendor_id TEXT,
    state TEXT NOT NULL,
    PRIMARY KEY (message, number)
) STRICT;
CREATE INDEX part_of_vendor_id ON part (vendor_id) WHERE vendor_id IS NOT NULL;

-- Each is committed before its request leaves.
CREATE TABLE attempt (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message INTEGER NOT NULL,
    part INTEGER NOT NULL,
    started INTEGER NOT NULL,
    ended INTEGER,
    outcome TEXT,              -- JSON
    FOREIGN KEY (message, part) REFERENCES part (message, number) ON DELETE CASCADE
) STRICT;
CREATE INDEX attempt_of_part ON attempt (message, part);

CREATE TABLE idempotency (
    channel TEXT NOT NULL REFERENCES channel ON DELETE CASCADE,
    key TEXT NOT NULL,
    hash BLOB NOT NULL,
    message TEXT NOT NULL,     -- its id
    at INTEGER NOT NULL,
    PRIMARY KEY (channel, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_at ON idempotency (at);
