-- How a deploy turned out, and who told a check: rows of an owner are replaced as a whole, rows of none stay.

alter table deploy add column "verdict" TEXT;
alter table deploy add column "reason" TEXT;
create index deploy_target on deploy ("target", "ready_at");

alter table check_row add column owner TEXT;
create index check_owner on check_row (owner);
