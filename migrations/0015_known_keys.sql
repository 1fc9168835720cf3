-- Why: one statement writes a batch and answers what was known of it: a key that is there already
-- is updated to what it is, which is how a statement sees a row that is newer than itself. Its
-- number is drawn before, to tell which keys are new.
GRANT UPDATE (recorded_at) ON ai_usage_keys TO allowance_app;
GRANT USAGE ON SEQUENCE ai_usage_keys_usage_id_seq TO allowance_app;
