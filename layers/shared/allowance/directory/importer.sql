-- name: lock_directory
-- needs: update directory
-- Allow one import at a time: two would see each other's unfinished names. The lock ends with the
-- transaction.
SELECT pg_try_advisory_xact_lock(hashtext('allowance.directory')) AS locked;

-- name: prepare_import
-- needs: update directory
-- Name the actor for the triggers of this transaction: they write an audit entry when an override
-- is deleted with a membership. Then forbid sequential scans. A session keeps the plans of its
-- foreign-key checks. A plan of a time with few users would read the whole table for each check,
-- also when a later import makes the table large.
SELECT
    set_config('allowance.actor_name', %(actor_name)s, true) AS actor_name,
    set_config('allowance.request_id', %(request_id)s, true) AS request_id,
    set_config('enable_seqscan', 'off', true) AS enable_seqscan;
