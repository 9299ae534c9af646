-- All that the role has to know of the running server, in one visit.
-- %(folder)s: where the configuration is in the container; %(files)s: the names of the role's files in it, with spaces between
SELECT json_build_object(
    'files', (
        SELECT json_object_agg(name, pg_read_file(%(folder)s || '/' || name, true)) FROM string_to_table(%(files)s, ' ') AS name
    ),
    -- A file may have been written by a run that was killed before the server read it.
    'stale', EXISTS (
        SELECT FROM string_to_table(%(files)s, ' ') AS name
        WHERE (pg_stat_file(%(folder)s || '/' || name, true)).modification > pg_conf_load_time()
    ),
    -- A login that can do more than a tenant should is left out: it is to be put right.
    'logins', (
        SELECT coalesce(json_object_agg(rolname, rolpassword), '{}') FROM pg_authid
        WHERE rolcanlogin AND NOT (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)
    ),
    'databases', (
        SELECT json_object_agg(datname, json_build_object(
            'owner', pg_get_userbyid(datdba),
            -- 0 stands for PUBLIC, and no list for the built-in one.
            'open', EXISTS (SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) WHERE grantee = 0)
        )) FROM pg_database
    )
) AS state
