-- Version 5.

-- After this a message does not leave.
ALTER TABLE message ADD COLUMN expires INTEGER;
CREATE INDEX message_expires ON message (channel, expires) WHERE state = 'queued' AND expires IS NOT NULL;

-- 1 where a message consists of its fallback: the template that stands in for it.
ALTER TABLE message ADD COLUMN fallback INTEGER NOT NULL DEFAULT 0 CHECK (fallback IN (0, 1));

-- The id of the message whose fallback went out in place of this one. Until the contact answers it is `queued`, and stands
-- in no queue (`open` is 0); it is looked at when it is due.
ALTER TABLE message ADD COLUMN original_of TEXT;
CREATE INDEX message_original ON message (original_of) WHERE original_of IS NOT NULL;
CREATE INDEX message_waiting ON message (channel, due) WHERE open = 0 AND state = 'queued';

-- Whose answer such messages wait for, by each of the contact's names.
CREATE TABLE awaited (
    channel TEXT NOT NULL REFERENCES channel ON DELETE CASCADE,
    name TEXT NOT NULL,
    message TEXT NOT NULL,     -- its id
    PRIMARY KEY (channel, name, message)
) STRICT, WITHOUT ROWID;

-- What happened to templates, which are few of all events.
CREATE INDEX event_of_template ON event (channel, sequence) WHERE type IN ('template', 'stored_template');
