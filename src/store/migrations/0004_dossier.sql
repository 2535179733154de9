-- What was last judged of each cluster: everything that was gathered about it, packed into bytes (absent when it
-- shares something with many others and must be gathered anew each time), and a digest of the outcome.
create table dossier (cluster TEXT not null primary key, body BYTES, digest BIGINT not null);
