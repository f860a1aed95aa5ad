-- Version 2. However long the queues are, a look at them reads only what is to be sent, on its way, or uncertain.
DROP INDEX message_due;
CREATE INDEX message_due ON message (channel, due) WHERE open = 1 AND state = 'queued';
CREATE INDEX message_sending ON message (channel) WHERE open = 1 AND state = 'sending';
CREATE INDEX message_uncertain ON message (channel, uncertain_since) WHERE open = 1 AND state = 'uncertain';
