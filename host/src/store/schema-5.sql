-- Version 5. After this a message does not leave.
ALTER TABLE message ADD COLUMN expires INTEGER;
CREATE INDEX message_expires ON message (channel, expires) WHERE state = 'queued' AND expires IS NOT NULL;
