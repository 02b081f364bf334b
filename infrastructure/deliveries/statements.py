"""The table of raw deliveries and every statement on it."""

TABLE = """
CREATE TABLE IF NOT EXISTS onethread_deliveries (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL UNIQUE,
    received_at timestamptz NOT NULL,
    channel text NOT NULL,
    account_ids text[] NOT NULL,
    state text NOT NULL DEFAULT 'waiting',
    attempts bigint NOT NULL DEFAULT 0,
    error text NOT NULL DEFAULT '',
    next_attempt_at timestamptz NOT NULL,
    size_bytes bigint NOT NULL,
    wrapped_key bytea NOT NULL,
    sealed bytea STORAGE EXTERNAL NOT NULL);
CREATE INDEX IF NOT EXISTS onethread_deliveries_open ON onethread_deliveries (state, number) WHERE state <> 'done';
CREATE INDEX IF NOT EXISTS onethread_deliveries_age ON onethread_deliveries (received_at)
"""

# Run a second time, after its answer was lost, it finds its ids there already.
STORE = """
INSERT INTO onethread_deliveries
    (id, received_at, channel, account_ids, next_attempt_at, size_bytes, wrapped_key, sealed)
SELECT id, received_at::timestamptz, channel, string_to_array(account_ids, ' '), received_at::timestamptz,
    size_bytes, wrapped_key, sealed
FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::bigint[], %b::bytea[], %b::bytea[])
    WITH ORDINALITY AS arrived (id, received_at, channel, account_ids, size_bytes, wrapped_key, sealed, nth)
ORDER BY nth
ON CONFLICT (id) DO NOTHING
"""

DUE = """
SELECT number, id, received_at, channel, account_ids, state, attempts, error, next_attempt_at, size_bytes
FROM onethread_deliveries
WHERE state = 'waiting' AND next_attempt_at <= %(now)s
    AND array_to_string(account_ids, ' ') <> ALL (%(besides)b::text[])
ORDER BY number LIMIT %(limit)s
"""

CONTENTS = """
SELECT number, id, channel, account_ids, wrapped_key, sealed FROM onethread_deliveries
WHERE number = ANY (%b::bigint[]) AND state = 'waiting'
"""

CONTENT = "SELECT number, id, channel, account_ids, wrapped_key, sealed FROM onethread_deliveries WHERE id = %s"

SETTLE = """
UPDATE onethread_deliveries AS kept
SET state = settled.state, attempts = settled.attempts, error = settled.error,
    next_attempt_at = settled.next_attempt_at::timestamptz
FROM unnest(%b::bigint[], %b::text[], %b::bigint[], %b::text[], %b::text[])
    AS settled (number, state, attempts, error, next_attempt_at)
WHERE kept.number = settled.number AND kept.state = 'waiting'
"""

WAKE_ALL = """
UPDATE onethread_deliveries SET next_attempt_at = %(now)s WHERE state = 'waiting' AND next_attempt_at > %(now)s
"""

WAKE = """
UPDATE onethread_deliveries SET next_attempt_at = %(now)s
WHERE state = 'waiting' AND next_attempt_at > %(now)s AND account_ids && %(account_ids)b::text[]
"""

TAKE_UP_AGAIN = """
UPDATE onethread_deliveries SET state = 'waiting', attempts = 0, error = '', next_attempt_at = %(now)s
WHERE state = 'parked' AND (%(channel)s::text = '' OR channel = %(channel)s::text)
    AND (%(account_id)s::text = '' OR %(account_id)s::text = ANY (account_ids))
RETURNING number
"""

TAKE_ONE_UP_AGAIN = """
UPDATE onethread_deliveries SET state = 'waiting', attempts = 0, error = '', next_attempt_at = %(now)s
WHERE id = %(id)s AND state = 'parked' RETURNING number
"""

GET = """
SELECT number, id, received_at, channel, account_ids, state, attempts, error, next_attempt_at, size_bytes
FROM onethread_deliveries WHERE id = %s
"""

PAGE = """
SELECT number, id, received_at, channel, account_ids, state, attempts, error, next_attempt_at, size_bytes
FROM onethread_deliveries
WHERE state = %(state)s AND number < %(before)s AND (%(channel)s::text = '' OR channel = %(channel)s::text)
    AND (%(account_id)s::text = '' OR %(account_id)s::text = ANY (account_ids))
ORDER BY number DESC LIMIT %(limit)s
"""

BACKLOGS = """
SELECT account_id, count(*) FILTER (WHERE state = 'waiting'), count(*) FILTER (WHERE state = 'parked'),
    min(received_at) FILTER (WHERE state = 'waiting')
FROM onethread_deliveries CROSS JOIN unnest(account_ids) AS account_id
WHERE state <> 'done' GROUP BY account_id
"""

EXPIRE = """
DELETE FROM onethread_deliveries WHERE number IN
    (SELECT number FROM onethread_deliveries
    WHERE received_at < %s AND state <> 'waiting' ORDER BY received_at LIMIT %s)
RETURNING state
"""
