-- A tenant's database with all that a backup must bring back, and two traps for a superuser who touches it.
CREATE EXTENSION pg_trgm;
CREATE SCHEMA "Odd name";
CREATE TYPE mood AS ENUM ('calm', 'wild');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE things (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL DEFAULT 'thing',
    mood mood DEFAULT 'calm',
    tags text[] DEFAULT '{a,b}',
    extra jsonb DEFAULT '{"a": 1}',
    old json DEFAULT '{"b": 2}',
    data bytea DEFAULT '\x00ff',
    size numeric(10, 2) DEFAULT 1.50,
    amount positive DEFAULT 1,
    span int4range DEFAULT '[1,5)',
    at timestamptz DEFAULT '2026-01-01 00:00:00+00',
    twice int GENERATED ALWAYS AS (2) STORED
);
CREATE INDEX ON things USING gin (name gin_trgm_ops);
CREATE TABLE "Odd name"."a ""table""" (nothing int);
CREATE TABLE parts (id int, day date) PARTITION BY RANGE (day);
CREATE TABLE parts_2026 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE VIEW names AS SELECT name FROM things;
INSERT INTO things (name) SELECT 'thing ' || number FROM generate_series(1, 5000) AS number;
INSERT INTO things (name, mood, data) SELECT 'large', 'wild', decode(repeat('ab', 100000), 'hex') FROM generate_series(1, 20);
INSERT INTO parts SELECT number, '2026-06-01' FROM generate_series(1, 10) AS number;
SELECT lo_from_bytea(0, 'a large object');
-- Policies that apply to the owner too: without rights past them, a dump would lack rows, or be refused.
CREATE TABLE notes (id int PRIMARY KEY, account text, body text);
INSERT INTO notes SELECT number, 'account ' || number % 3, 'note' FROM generate_series(1, 30) AS number;
CREATE POLICY own_notes ON notes USING (account = current_setting('app.account', true));
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE notes FORCE ROW LEVEL SECURITY;
CREATE MATERIALIZED VIEW note_counts AS SELECT account, count(*) FROM notes GROUP BY account;
-- Runs when a row is put in, as in a restore.
CREATE FUNCTION trap(int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('is_superuser') = 'on' THEN
        EXECUTE 'ALTER ROLE ' || quote_ident(current_database()) || ' SUPERUSER';
    END IF;
    RETURN true;
END $$;
-- Runs when a query of its table is planned, as in counting.
CREATE FUNCTION quiet_trap() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM public.trap(1);
    RETURN 1;
END $$;
CREATE TABLE trapped (id int CHECK (public.trap(id)));
INSERT INTO trapped VALUES (1), (2);
CREATE INDEX ON trapped ((id + public.quiet_trap()));
