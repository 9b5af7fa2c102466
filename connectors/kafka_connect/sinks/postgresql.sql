-- What the sinks of this folder need in their PostgreSQL database; run it again after an upgrade.
-- All times are UTC: the Connect worker must run with its clock's zone set to it (TZ=UTC).

-- Quantiles are a map, which the sink writes as hstore.
CREATE EXTENSION IF NOT EXISTS hstore;

-- Work-around for Debezium's JDBC sink (3.4.3, 3.6.0): it asks PostgreSQL for a type named "timestamp(6)" where it
-- writes an array of times, and there is none.
DO $$ BEGIN
  CREATE DOMAIN "timestamp(6)" AS timestamp(6);
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;

-- The tables are as the sink would make them; here so that the views can be made now. Fields that later releases add
-- to the events become columns by themselves.
CREATE TABLE IF NOT EXISTS forecasts (
  ts_id bigint PRIMARY KEY,
  job_id bigint NOT NULL,
  n bigint NOT NULL,
  item_id text NOT NULL,
  model_name text NOT NULL,
  cutoff timestamp(6) NOT NULL,
  timestamps timestamp(6)[] NOT NULL,
  mean double precision[] NOT NULL,
  quantiles hstore NOT NULL,
  answered_by text,
  micros integer[],
  utc_offsets integer[],
  project text NOT NULL DEFAULT '',
  groups hstore NOT NULL DEFAULT '',
  series_key text NOT NULL DEFAULT '',
  data_id bigint NOT NULL DEFAULT 0,
  switches integer NOT NULL DEFAULT 0
);
-- Of a table from before there were steps below a millisecond, clocks with an offset, projects, names of series,
-- and shadows.
ALTER TABLE forecasts ADD COLUMN IF NOT EXISTS micros integer[], ADD COLUMN IF NOT EXISTS utc_offsets integer[],
  ADD COLUMN IF NOT EXISTS project text NOT NULL DEFAULT '', ADD COLUMN IF NOT EXISTS groups hstore NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS series_key text NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS data_id bigint NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS switches integer NOT NULL DEFAULT 0;
CREATE INDEX IF NOT EXISTS forecasts_job_id ON forecasts (job_id);
CREATE INDEX IF NOT EXISTS forecasts_series_key ON forecasts (data_id, series_key);

CREATE TABLE IF NOT EXISTS metrics (
  workload_uid text NOT NULL,
  metric_name text NOT NULL,
  iteration bigint NOT NULL,
  data_source text NOT NULL,
  value double precision,
  "timestamp" timestamp(6) NOT NULL,
  worker text,
  PRIMARY KEY (workload_uid, metric_name, iteration, data_source)
);
-- Of a table from before points said which worker had measured them.
ALTER TABLE metrics ADD COLUMN IF NOT EXISTS worker text;

CREATE TABLE IF NOT EXISTS job_status (
  job_id bigint PRIMARY KEY,
  status text NOT NULL,
  sequence bigint NOT NULL,
  series bigint NOT NULL,
  submitted bigint NOT NULL,
  finished bigint NOT NULL,
  failed bigint NOT NULL,
  message text,
  stopped bigint NOT NULL DEFAULT 0,
  first_ts_id bigint NOT NULL DEFAULT 0,
  project text NOT NULL DEFAULT ''
);
-- Of a table of earlier releases.
ALTER TABLE job_status ADD COLUMN IF NOT EXISTS stopped bigint NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS first_ts_id bigint NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS project text NOT NULL DEFAULT '';

-- A later record need not be newer: forecasts of one series are published as each gets done. What is older leaves the
-- row as it is, by the rule of GET /forecasts: within a job switches of the answering model count, then n; between jobs
-- the later record wins. An empty record deletes the row all the same. Replaced in one step (PostgreSQL 14), while sinks may be writing.
CREATE OR REPLACE FUNCTION leave_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;

CREATE OR REPLACE TRIGGER forecasts_leave_newer BEFORE UPDATE ON forecasts
FOR EACH ROW WHEN (NEW.job_id = OLD.job_id AND (NEW.switches, NEW.n) < (OLD.switches, OLD.n)) EXECUTE FUNCTION leave_row();

CREATE OR REPLACE TRIGGER job_status_leave_newer BEFORE UPDATE ON job_status
FOR EACH ROW WHEN (NEW.sequence < OLD.sequence) EXECUTE FUNCTION leave_row();

-- One row per forecast value.
CREATE OR REPLACE VIEW forecast_values AS
SELECT f.ts_id, f.job_id, f.item_id, f.model_name, f.cutoff,
  u.ds + coalesce(u.micros, 0) * interval '1 microsecond' AS ds, u.mean,
  f.data_id, f.series_key, f.groups
FROM forecasts f, unnest(f.timestamps, f.mean, f.micros) AS u (ds, mean, micros);

-- One row per forecast value and level. The text of a level's values is "[1.5, NaN, 2.5]".
CREATE OR REPLACE VIEW forecast_quantiles AS
SELECT f.ts_id, f.job_id, f.item_id, f.model_name, f.cutoff,
  u.ds + coalesce(u.micros, 0) * interval '1 microsecond' AS ds, q.key::double precision AS level, u.value,
  f.data_id, f.series_key, f.groups
FROM forecasts f, each(f.quantiles) AS q,
  unnest(f.timestamps, string_to_array(trim(BOTH '[]' FROM q.value), ', ')::double precision[], f.micros)
    AS u (ds, value, micros);
