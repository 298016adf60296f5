-- For each service a role, and a database that it owns and no one else may connect to.
-- Run again it sets the passwords, and otherwise leaves everything as it is.
\set ON_ERROR_STOP on
\getenv intake INTAKE_DATABASE_PASSWORD
\getenv triage TRIAGE_DATABASE_PASSWORD
\getenv registry REGISTRY_DATABASE_PASSWORD
\getenv notifier NOTIFIER_DATABASE_PASSWORD

create temporary table service (name text, password text);
insert into service
values ('intake', :'intake'), ('triage', :'triage'), ('registry', :'registry'), ('notifier', :'notifier');

select format('create role %I', name) from service where name not in (select rolname from pg_roles) \gexec
select format('alter role %I login password %L', name, password) from service \gexec
select format('create database %I owner %I', name, name) from service
where name not in (select datname from pg_database) \gexec
select format('revoke connect, temporary on database %I from public', name) from service \gexec
