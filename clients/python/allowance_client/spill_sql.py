"""The statements of the queue on the disk."""

# The triggers keep the size in the transaction that changes it, so that the bound is exact also for
# processes that write at once.
SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    record TEXT NOT NULL,
    hold TEXT,
    ready_at REAL NOT NULL DEFAULT 0,
    dead TEXT
);
CREATE INDEX IF NOT EXISTS records_of_hold ON records (hold) WHERE hold IS NOT NULL;
CREATE INDEX IF NOT EXISTS records_to_send ON records (id) WHERE dead IS NULL;
CREATE TABLE IF NOT EXISTS state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    bytes INTEGER NOT NULL,
    sender TEXT,
    sending_until REAL NOT NULL
);
INSERT OR IGNORE INTO state VALUES (1, 0, NULL, 0);
CREATE TRIGGER IF NOT EXISTS grows AFTER INSERT ON records BEGIN
    UPDATE state SET bytes = bytes + length(NEW.record);
END;
CREATE TRIGGER IF NOT EXISTS shrinks AFTER DELETE ON records BEGIN
    UPDATE state SET bytes = bytes - length(OLD.record);
END;
CREATE TRIGGER IF NOT EXISTS changes AFTER UPDATE OF record ON records BEGIN
    UPDATE state SET bytes = bytes + length(NEW.record) - length(OLD.record);
END;
"""
TAKE_TURN = """
UPDATE state SET sender = :me, sending_until = :until
WHERE sender IS NULL OR sender = :me OR sending_until < :now OR sending_until > :latest
"""
TO_SEND = """
SELECT id, record FROM records WHERE dead IS NULL AND ready_at <= :now ORDER BY id LIMIT :most
"""
CLOSE_HOLD = "UPDATE records SET ready_at = 0, hold = NULL WHERE hold = ?"
ALL = "SELECT id, record, dead FROM records ORDER BY id"
DEAD = "SELECT id, record, dead FROM records WHERE dead IS NOT NULL ORDER BY id"
UNPARK = "UPDATE records SET ready_at = 0 WHERE hold = ?"
LAST_OF_HOLD = """
SELECT id, record FROM records WHERE hold = ? AND dead IS NULL ORDER BY id DESC LIMIT 1
"""
