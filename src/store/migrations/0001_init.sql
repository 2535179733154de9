-- One schema for both engines. On Postgres every text column is compared by bytes (COLLATE "C"), as SQLite does.
-- Times are milliseconds since 1970. `doc` is the whole thing as JSON; the columns beside it exist to be searched:
-- texts are kept lower-cased there, money as minor units a month, lists as lines.

create table meta (name TEXT not null primary key, value BIGINT not null);
insert into meta (name, value) values ('revision', 0), ('position', 0);

create table record (
  system TEXT not null, kind TEXT not null, id TEXT not null,
  version BIGINT not null, seen_at BIGINT not null, deleted BIGINT not null,
  email_key TEXT, name_key TEXT, parent TEXT,
  link_portal TEXT, link_billing TEXT, link_crm TEXT, link_support TEXT,
  created_at BIGINT, doc TEXT not null,
  primary key (system, kind, id));
create index record_id on record (id);
create index record_email on record (email_key) where email_key is not null;
create index record_name on record (name_key) where name_key is not null;
create index record_parent on record (parent, system) where parent is not null;
create index record_portal on record (link_portal) where link_portal is not null;
create index record_billing on record (link_billing) where link_billing is not null;
create index record_crm on record (link_crm) where link_crm is not null;
create index record_support on record (link_support) where link_support is not null;
create index record_signup on record (created_at) where system = 'portal' and kind = 'person';

-- What a change touched and has not been judged again: one row a key, so that a busy customer makes no backlog.
create table dirty (kind TEXT not null, key TEXT not null, position BIGINT not null, primary key (kind, key));
create unique index dirty_position on dirty (position);
create table again (cluster TEXT not null primary key, at BIGINT not null);
create index again_at on again (at);

create table customer (
  row_key TEXT not null primary key, doc TEXT not null, cluster TEXT not null,
  "id" TEXT, "email" TEXT, "name" TEXT, "state" TEXT, "plan" TEXT, "systems" TEXT, "verdict" TEXT,
  "mismatches" TEXT, "money" BIGINT, "money_currency" TEXT, "updated_at" BIGINT);
create index customer_cluster on customer (cluster);
create index customer_id on customer (substr("id", 1, 200));
create index customer_email on customer (substr("email", 1, 200));
create index customer_verdict on customer ("verdict");

-- The narrow text that `find` scans: id, e-mail and name, lower-cased, tab between.
create table find_line (row_key TEXT not null primary key, line TEXT not null, changed BIGINT not null);
create index find_changed on find_line (changed);

create table mismatch (
  row_key TEXT not null primary key, doc TEXT not null, cluster TEXT not null,
  "rank" BIGINT not null, "id" TEXT, "class" TEXT, "severity" TEXT, "verdict" TEXT, "customer" TEXT, "name" TEXT,
  "email" TEXT, "since" BIGINT not null, "systems" TEXT, "money" BIGINT, "money_currency" TEXT, "headline" TEXT,
  "evidence" TEXT, "explanation" TEXT, "next_step" TEXT, "intent" TEXT);
create index mismatch_cluster on mismatch (cluster);
create index mismatch_rank on mismatch ("rank", row_key);
create index mismatch_class on mismatch ("class");
-- Everything that the header counts, so that it reads no row.
create index mismatch_tally on mismatch ("verdict", "severity", "class", cluster, "money_currency", "money");
create index mismatch_customer on mismatch (substr("customer", 1, 200));

create table delivery (
  row_key TEXT not null primary key, doc TEXT not null,
  "id" TEXT, "source" TEXT not null, "event_id" TEXT, "type" TEXT, "state" TEXT not null,
  "received_at" BIGINT not null, "attempts" BIGINT, "status" BIGINT, "latency_ms" BIGINT, "customer" TEXT,
  "deploy" TEXT, "reason" TEXT);
-- Newest first for lists; and everything that traffic and header count over a window, so that they read no row.
create index delivery_received on delivery ("received_at" desc, row_key, "source", "state", "latency_ms");
create index delivery_source on delivery ("source", "received_at");
create index delivery_customer on delivery (substr("customer", 1, 200));

create table deploy (
  row_key TEXT not null primary key, doc TEXT not null,
  "id" TEXT, "source" TEXT, "state" TEXT, "commit" TEXT, "created_at" BIGINT not null, "ready_at" BIGINT, "url" TEXT,
  "target" TEXT);
create index deploy_ready on deploy ("ready_at");

-- `owner` is the system whose queue was read; its rows are replaced as a whole.
create table job (
  row_key TEXT not null primary key, doc TEXT not null, owner TEXT not null,
  "kind" TEXT, "key" TEXT, "state" TEXT, "attempts" BIGINT, "max_attempts" BIGINT, "run_at" BIGINT,
  "last_error" TEXT, "customer" TEXT, "source" TEXT, "wanted" BIGINT, "done" BIGINT, "created_at" BIGINT);
create index job_owner on job (owner);

-- `runs` and `passed` count the kept history, so that an uptime needs no scan of it.
create table check_row (
  row_key TEXT not null primary key, doc TEXT not null, runs BIGINT not null, passed BIGINT not null,
  "name" TEXT, "kind" TEXT, "target" TEXT, "state" TEXT, "since" BIGINT, "latency_ms" BIGINT, "reason" TEXT,
  "fix" TEXT, "uptime" BIGINT);
create table check_run (
  name TEXT not null, at BIGINT not null, state TEXT not null, latency_ms BIGINT, reason TEXT,
  primary key (name, at));
create index check_run_at on check_run (at);

-- `told_at` is the `seen_at` that watchers were last told of.
create table source (
  row_key TEXT not null primary key, doc TEXT not null, complete_at BIGINT, complete TEXT not null,
  told_at BIGINT,
  "name" TEXT, "kind" TEXT, "state" TEXT, "seen_at" BIGINT, "lag_ms" BIGINT, "rate_left" BIGINT, "problem" TEXT);
create table source_cursor (system TEXT not null primary key, cursor TEXT not null);

create table lease (name TEXT not null primary key, holder TEXT not null, until BIGINT not null);
