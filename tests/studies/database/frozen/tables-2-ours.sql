CREATE TABLE tuner_schema (version INTEGER NOT NULL PRIMARY KEY);
INSERT INTO tuner_schema VALUES (2);
CREATE TABLE tuner_slots (
    ledger VARCHAR(32) NOT NULL, slot INTEGER NOT NULL, explore BOOLEAN NOT NULL, state VARCHAR(8) NOT NULL,
    attempt INTEGER NOT NULL, draw INTEGER NOT NULL, trial INTEGER, worker VARCHAR(128), lease DOUBLE PRECISION,
    token VARCHAR(32), seconds DOUBLE PRECISION DEFAULT '0' NOT NULL,
    epochs DOUBLE PRECISION DEFAULT '0' NOT NULL, PRIMARY KEY (ledger, slot)
);
CREATE INDEX tuner_slots_by_state ON tuner_slots (ledger, state, slot);
CREATE TABLE tuner_studies (
    ledger VARCHAR(32) NOT NULL PRIMARY KEY, priority INTEGER DEFAULT '0' NOT NULL, stop VARCHAR(8),
    epochs DOUBLE PRECISION, hours DOUBLE PRECISION
);
INSERT INTO tuner_studies VALUES ('old', 3, NULL, NULL, NULL);
INSERT INTO tuner_slots VALUES ('old', 0, true, 'done', 1, 0, 0, 'old:1', NULL, 'a', 1.0, 1.0);
INSERT INTO tuner_slots VALUES ('old', 1, false, 'claimed', 1, 0, 1, 'old:2', 1.0, 'b', 0.0, 0.0);
INSERT INTO tuner_slots VALUES ('old', 2, false, 'claimed', 1, 0, 2, 'old:3', 1e11, 'c', 0.0, 0.0);
INSERT INTO tuner_slots VALUES ('old', 3, false, 'open', 0, 0, NULL, NULL, NULL, NULL, 0.0, 0.0);
