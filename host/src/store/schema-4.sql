-- Version 4. Files of messages. Their bytes lie beside the database, by channel and hash.

-- What came in.
CREATE TABLE media (
    channel TEXT NOT NULL REFERENCES channel ON DELETE CASCADE,
    id TEXT NOT NULL,          -- the vendor's
    at INTEGER NOT NULL,       -- since when it is known; it is kept from then on
    mime_type TEXT,            -- what the vendor says, as are the next two
    sha256 TEXT,
    filename TEXT,
    file TEXT,                 -- the hash of its bytes, where they are here
    bytes INTEGER,
    found_type TEXT,           -- what the bytes are, where that is not what the vendor says
    due INTEGER,               -- when the host asks for it by itself
    refusal TEXT,              -- why it can't be had
    again INTEGER,             -- from when on it may be asked for again; never where absent
    failures INTEGER NOT NULL DEFAULT 0, -- requests for it that failed, within an hour of the last
    failed INTEGER,            -- when the last did
    PRIMARY KEY (channel, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX media_at ON media (at);
CREATE INDEX media_due ON media (channel, due) WHERE due IS NOT NULL;
CREATE INDEX media_file ON media (channel, file, bytes) WHERE file IS NOT NULL;
CREATE INDEX media_failed ON media (channel, failed, failures) WHERE failed IS NOT NULL;

-- What was uploaded, and can be sent again by its id.
CREATE TABLE upload (
    channel TEXT NOT NULL REFERENCES channel ON DELETE CASCADE,
    purpose TEXT NOT NULL,
    mime_type TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    id TEXT NOT NULL,          -- the vendor's
    expires INTEGER NOT NULL,
    PRIMARY KEY (channel, sha256, purpose, mime_type)
) STRICT, WITHOUT ROWID;
CREATE INDEX upload_expires ON upload (expires);
