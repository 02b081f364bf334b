-- Appends many requests in one transaction and answers which of them were refused. Every request is all or nothing;
-- a refused one leaves no trace and does not touch its neighbours. No request of a call writes a stream or claims a key
-- that another names (the writer sees to it), so that each check is exact for the whole call.
--
-- Answers one row for each refusal ('claimed' or 'conflict') and a last row 'stored' with the position the log stood
-- at before. The events that were not refused stand behind that position without a hole, in the order they came in.
--
-- Under the table lock no other position can be taken before this transaction ends. So readers never see a position
-- before one that is lower, and an aborted call uses none up (which is why this does not draw from the sequence).
CREATE OR REPLACE FUNCTION onethread_events_append(
    write_requests bigint[], write_streams text[], write_versions bigint[],
    claim_requests bigint[], claim_keys bytea[], claim_fingerprints bytea[], claim_events bigint[],
    key_requests bigint[], key_streams text[], key_wrapped bytea[],
    event_requests bigint[], event_streams text[], event_versions bigint[], event_topics text[], event_states bytea[]
)
RETURNS TABLE (request bigint, outcome text, stream text, claim_key bytea, fingerprint bytea, at_position bigint)
LANGUAGE plpgsql
-- All look-ups are single probes of a primary key. The planner must not choose otherwise while the tables are small,
-- because the plan is kept for as long as the connection lives.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET lock_timeout = '5s'
AS $body$
#variable_conflict use_column
DECLARE
    head bigint;
    refused bigint[] := '{}';
    positions bigint[];
BEGIN
    LOCK TABLE onethread_events IN EXCLUSIVE MODE;
    SELECT coalesce(max(notification_id), 0) INTO head FROM onethread_events;

    -- Claims before versions: what is delivered again must hear 'claimed', although its stream has moved on too.
    IF cardinality(claim_keys) > 0 THEN
        FOR request, claim_key, fingerprint, at_position IN
            SELECT DISTINCT ON (wanted.request) wanted.request, taken.key, taken.fingerprint, taken.position
            FROM unnest(claim_requests, claim_keys) WITH ORDINALITY AS wanted (request, key, nth)
            CROSS JOIN LATERAL (SELECT * FROM onethread_claims WHERE key = wanted.key) AS taken
            ORDER BY wanted.request, wanted.nth
        LOOP
            outcome := 'claimed';
            refused := refused || request;
            RETURN NEXT;
        END LOOP;
    END IF;

    -- A stream that has another key than the request would give it was created by someone else at the same time.
    FOR request, stream IN
        SELECT DISTINCT ON (wanted.request) wanted.request, wanted.stream
        FROM (
            SELECT * FROM unnest(write_requests, write_streams, write_versions) AS w (request, stream, version)
            WHERE w.version <> coalesce(
                (SELECT max(originator_version) FROM onethread_events
                 WHERE originator_id = w.stream AND originator_version >= w.version), 0)
            UNION ALL
            SELECT k.request, k.stream, 0 FROM unnest(key_requests, key_streams, key_wrapped) AS k (request, stream, wrapped)
            WHERE EXISTS (SELECT FROM onethread_stream_keys WHERE stream = k.stream AND wrapped_key <> k.wrapped)
        ) AS wanted
        WHERE wanted.request <> ALL (refused)
    LOOP
        outcome := 'conflict';
        claim_key := NULL;
        fingerprint := NULL;
        at_position := NULL;
        refused := refused || request;
        RETURN NEXT;
    END LOOP;

    IF cardinality(refused) = 0 THEN
        positions := ARRAY(SELECT generate_series(head + 1, head + cardinality(event_requests)));
    ELSE
        positions := ARRAY(
            SELECT CASE WHEN e.request <> ALL (refused)
                THEN head + count(*) FILTER (WHERE e.request <> ALL (refused)) OVER (ORDER BY e.nth) END
            FROM unnest(event_requests) WITH ORDINALITY AS e (request, nth)
            ORDER BY e.nth
        );
    END IF;
    INSERT INTO onethread_events (originator_id, originator_version, topic, state, notification_id)
    SELECT e.stream, e.version, e.topic, e.state, e.position
    FROM (
        SELECT unnest(event_streams) AS stream, unnest(event_versions) AS version, unnest(event_topics) AS topic,
            unnest(event_states) AS state, unnest(positions) AS position
    ) AS e  -- unnest as a table would write all of it to one first
    WHERE e.position IS NOT NULL;

    IF cardinality(key_streams) > 0 THEN
        INSERT INTO onethread_stream_keys (stream, wrapped_key)
        SELECT k.stream, k.wrapped
        FROM unnest(key_requests, key_streams, key_wrapped) AS k (request, stream, wrapped)
        WHERE k.request <> ALL (refused)
        ON CONFLICT DO NOTHING;
    END IF;

    -- A claim that leads to no event (0) keeps the position the log stood at.
    IF cardinality(claim_keys) > 0 THEN
        INSERT INTO onethread_claims (key, position, fingerprint)
        SELECT c.key, coalesce(positions[c.event], head), c.fingerprint
        FROM unnest(claim_requests, claim_keys, claim_fingerprints, claim_events)
            AS c (request, key, fingerprint, event)
        WHERE c.request <> ALL (refused);
    END IF;

    request := NULL;
    outcome := 'stored';
    stream := NULL;
    claim_key := NULL;
    fingerprint := NULL;
    at_position := head;
    RETURN NEXT;
END;
$body$
