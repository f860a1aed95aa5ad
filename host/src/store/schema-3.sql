-- Version 3. The statuses of each message: the events that tell of it, in the order in which they came. An event is of
-- the message's channel, and goes with it.
CREATE TABLE step (
    message INTEGER NOT NULL REFERENCES message ON DELETE CASCADE,
    event INTEGER NOT NULL,
    part INTEGER NOT NULL,
    PRIMARY KEY (message, event)
) STRICT, WITHOUT ROWID;

-- JSON: whether the vendor lets messages be sent, by its last answer; and what it last told of the account.
ALTER TABLE channel ADD COLUMN sending TEXT;
ALTER TABLE channel ADD COLUMN account TEXT NOT NULL DEFAULT '[]';

-- The delivery that this one is a copy of: it came to another channel's address, and has items of this channel's number.
ALTER TABLE delivery ADD COLUMN source INTEGER;
