"""The statements of `expectations.py`."""

TABLES = """
CREATE TABLE IF NOT EXISTS onethread_expectations_stand (
    name text PRIMARY KEY,
    revision bigint NOT NULL,
    horizon bigint NOT NULL,
    checked_at timestamptz NOT NULL);
CREATE TABLE IF NOT EXISTS onethread_expectations (
    conversation_id text NOT NULL,
    queue_id text NOT NULL,
    customer_id text NOT NULL,
    place bigint NOT NULL,
    revision bigint NOT NULL,
    is_gone boolean NOT NULL,
    changed_at timestamptz NOT NULL,
    doc bytea NOT NULL,
    first bytea NOT NULL,
    PRIMARY KEY (conversation_id, queue_id));
CREATE INDEX IF NOT EXISTS onethread_expectations_of_queue ON onethread_expectations (queue_id, revision);
CREATE INDEX IF NOT EXISTS onethread_expectations_of_customer ON onethread_expectations (customer_id, revision);
CREATE TABLE IF NOT EXISTS onethread_paces (
    asked text PRIMARY KEY,
    pace bytea NOT NULL,
    changed_at timestamptz NOT NULL);
CREATE TABLE IF NOT EXISTS onethread_calibration (
    queue_id text NOT NULL,
    day date NOT NULL,
    bucket bigint NOT NULL,
    taken bigint NOT NULL,
    within bigint NOT NULL,
    shorter bigint NOT NULL,
    longer bigint NOT NULL,
    given_up bigint NOT NULL,
    error_seconds double precision NOT NULL,
    absolute_error_seconds double precision NOT NULL,
    PRIMARY KEY (queue_id, day, bucket))
"""
STANDS = "SELECT revision FROM onethread_expectations_stand"
FIRSTS = "SELECT conversation_id, queue_id, first FROM onethread_expectations WHERE NOT is_gone"
PACES = "SELECT asked, pace FROM onethread_paces"
# One statement, so all or nothing; a writer that lost its lease and does not know it moves nothing.
SAVE = """
WITH moved AS (
    INSERT INTO onethread_expectations_stand AS stand (name, revision, horizon, checked_at)
    VALUES ('expectations', %(upto)s, -1, %(at)s)
    ON CONFLICT (name) DO UPDATE SET revision = EXCLUDED.revision, checked_at = EXCLUDED.checked_at
    WHERE stand.revision = %(after)s
    RETURNING 1
), gone AS (
    UPDATE onethread_expectations AS one SET is_gone = true, revision = gone.revision, changed_at = %(at)s, first = ''
    FROM unnest(%(gone)b::text[], %(gone_from)b::text[], %(gone_revision)b::bigint[])
        AS gone (conversation_id, queue_id, revision)
    WHERE one.conversation_id = gone.conversation_id AND one.queue_id = gone.queue_id AND NOT one.is_gone
        AND EXISTS (SELECT FROM moved)
), told AS (
    INSERT INTO onethread_expectations AS one
        (conversation_id, queue_id, customer_id, place, revision, is_gone, changed_at, doc, first)
    SELECT conversation_id, queue_id, customer_id, place, revision, false, %(at)s, doc, first
    FROM unnest(%(id)b::text[], %(queue_id)b::text[], %(customer_id)b::text[], %(place)b::bigint[],
        %(revision)b::bigint[], %(doc)b::bytea[], %(first)b::bytea[])
        AS more (conversation_id, queue_id, customer_id, place, revision, doc, first)
    WHERE EXISTS (SELECT FROM moved)
    ON CONFLICT (conversation_id, queue_id) DO UPDATE SET
        place = EXCLUDED.place, revision = EXCLUDED.revision, is_gone = false, changed_at = EXCLUDED.changed_at,
        doc = EXCLUDED.doc, first = EXCLUDED.first
), paced AS (
    INSERT INTO onethread_paces (asked, pace, changed_at)
    SELECT asked, pace, %(at)s FROM unnest(%(asked)b::text[], %(pace)b::bytea[]) AS more (asked, pace)
    WHERE EXISTS (SELECT FROM moved)
    ON CONFLICT (asked) DO UPDATE SET pace = EXCLUDED.pace, changed_at = EXCLUDED.changed_at
), counted AS (
    INSERT INTO onethread_calibration AS tally
    SELECT queue_id, day::date, bucket, taken, within, shorter, longer, given_up, error_seconds::double precision,
        absolute_error_seconds::double precision
    FROM unnest(%(tally_queue)b::text[], %(tally_day)b::text[], %(tally_bucket)b::bigint[], %(tally_taken)b::bigint[],
        %(tally_within)b::bigint[], %(tally_shorter)b::bigint[], %(tally_longer)b::bigint[],
        %(tally_given_up)b::bigint[], %(tally_error_seconds)b::text[], %(tally_absolute_error_seconds)b::text[])
        AS more (queue_id, day, bucket, taken, within, shorter, longer, given_up, error_seconds,
            absolute_error_seconds)
    WHERE EXISTS (SELECT FROM moved)
    ON CONFLICT (queue_id, day, bucket) DO UPDATE SET
        taken = tally.taken + EXCLUDED.taken,
        within = tally.within + EXCLUDED.within,
        shorter = tally.shorter + EXCLUDED.shorter,
        longer = tally.longer + EXCLUDED.longer,
        given_up = tally.given_up + EXCLUDED.given_up,
        error_seconds = tally.error_seconds + EXCLUDED.error_seconds,
        absolute_error_seconds = tally.absolute_error_seconds + EXCLUDED.absolute_error_seconds
)
SELECT count(*) FROM moved
"""
# Marks of those who left stay for a quarter of an hour, paces for 30 days, counts for 400.
TIDY = """
WITH purged AS (
    DELETE FROM onethread_expectations WHERE is_gone AND changed_at < %(at)s::timestamptz - interval '15 minutes'
    RETURNING revision
), forgotten AS (
    DELETE FROM onethread_paces WHERE changed_at < %(at)s::timestamptz - interval '30 days'
), outdated AS (
    DELETE FROM onethread_calibration WHERE day < (%(at)s::timestamptz - interval '400 days')::date
)
UPDATE onethread_expectations_stand
SET horizon = greatest(horizon, (SELECT max(revision) FROM purged))
WHERE EXISTS (SELECT FROM purged)
"""
SHOWN = """
SELECT stand.checked_at, one.doc FROM onethread_expectations_stand AS stand
LEFT JOIN onethread_expectations AS one ON NOT one.is_gone AND one.conversation_id = ANY (%(ids)b)
"""
SNAPSHOT = """
SELECT stand.revision, stand.horizon, one.revision, one.conversation_id, one.doc
FROM onethread_expectations_stand AS stand
LEFT JOIN LATERAL (
    SELECT revision, conversation_id, doc, place FROM onethread_expectations
    WHERE NOT is_gone AND (queue_id = %(scope)s OR customer_id = %(scope)s)
    ORDER BY place, conversation_id LIMIT %(limit)s
) AS one ON true
ORDER BY one.place, one.conversation_id
"""
CHANGES = """
SELECT stand.revision, stand.horizon, one.revision, one.conversation_id, one.doc, one.scope, one.is_gone
FROM onethread_expectations_stand AS stand
LEFT JOIN LATERAL (
    SELECT revision, conversation_id, doc, queue_id AS scope, is_gone FROM onethread_expectations
    WHERE queue_id = ANY (%(scopes)b) AND revision > %(after)s
    UNION ALL
    SELECT revision, conversation_id, doc, customer_id, is_gone FROM onethread_expectations
    WHERE customer_id = ANY (%(scopes)b) AND revision > %(after)s
    ORDER BY 1 LIMIT %(limit)s
) AS one ON true
ORDER BY one.revision
"""
OVERDUE = """
SELECT stand.checked_at, one.first FROM onethread_expectations_stand AS stand
JOIN onethread_expectations AS one ON NOT one.is_gone AND one.queue_id = %(queue_id)s AND one.first <> ''
"""
TALLIES = """
SELECT queue_id, day, bucket, taken, within, shorter, longer, given_up, error_seconds, absolute_error_seconds
FROM onethread_calibration WHERE queue_id = %(queue_id)s AND day >= %(since)s ORDER BY bucket, day
"""
