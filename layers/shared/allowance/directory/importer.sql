-- name: lock_directory
-- needs: update directory
-- Allow one import at a time: two would see each other's unfinished names. The lock ends with the
-- transaction.
SELECT pg_try_advisory_xact_lock(hashtext('allowance.directory')) AS locked;

-- name: name_importer
-- needs: update directory
-- Name the actor for the triggers of this transaction. They write an audit entry when an override
-- is deleted with a membership.
UPDATE running_import
SET transaction_id = pg_current_xact_id(), actor_name = %(actor_name)s,
    request_id = %(request_id)s;
