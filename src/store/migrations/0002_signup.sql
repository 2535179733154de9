-- Recent sign-ups are found by the two words and the moment together: with the moment alone, a planner without
-- statistics prefers the two words of the primary key and reads every customer that the portal ever had.
drop index record_signup;
create index record_signup on record (system, kind, created_at) where system = 'portal' and kind = 'person';
