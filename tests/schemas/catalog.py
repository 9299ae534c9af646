"""What a database holds, a line per object: from the catalogs, without pg_dump and without the collection.

Two databases with the same lines hold the same. Oids differ after a restore, so objects are known by what PostgreSQL
calls them (``pg_describe_object``), and everything with a definition by that (``pg_get_*def``).
"""

from __future__ import annotations

import typing as t

# Objects of a user, without those that an extension has created
USER = "oid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = {0}.oid AND d.deptype = 'e')"
SPACE = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"


def acl(column: str, kind: str, owner: str) -> str:
    """Return an expression of the privileges in an order of their own; a default is written out."""
    return (
        "(SELECT string_agg(concat(a.grantor::regrole, '>', CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text"
        " END, ':', a.privilege_type, CASE WHEN a.is_grantable THEN '*' END), ' ' ORDER BY a.grantee::regrole::text COLLATE"
        f" \"C\", a.privilege_type) FROM aclexplode(coalesce({column}, acldefault('{kind}', {owner}))) a)"
    )


# Each query returns one column of text.
QUERIES = {
    "database": f"""SELECT concat_ws('|', pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype,
        datconnlimit, {acl("datacl", "d", "datdba")}, shobj_description(oid, 'pg_database'),
        (SELECT string_agg(setrole::regrole::text || setconfig::text, ' ' ORDER BY setrole) FROM pg_db_role_setting
         WHERE setdatabase = pg_database.oid)) FROM pg_database WHERE datname = current_database()""",
    "schema": f"""SELECT concat_ws('|', nspname, pg_get_userbyid(nspowner), {acl("nspacl", "n", "nspowner")})
        FROM pg_namespace n WHERE {SPACE}""",
    "extension": """SELECT concat_ws('|', extname, extversion, extnamespace::regnamespace) FROM pg_extension""",
    "relation": f"""SELECT concat_ws('|', c.oid::regclass, relkind, relpersistence, pg_get_userbyid(relowner),
        {acl("relacl", "r", "relowner")}, reloptions, relreplident, relrowsecurity, relforcerowsecurity, relispopulated,
        (SELECT amname FROM pg_am WHERE oid = relam), pg_get_expr(relpartbound, c.oid),
        CASE relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) WHEN 'v' THEN pg_get_viewdef(c.oid)
        WHEN 'm' THEN pg_get_viewdef(c.oid) WHEN 'i' THEN pg_get_indexdef(c.oid) WHEN 'I' THEN pg_get_indexdef(c.oid) END,
        (SELECT string_agg(inhparent::regclass::text, ' ' ORDER BY inhseqno) FROM pg_inherits WHERE inhrelid = c.oid),
        (SELECT concat_ws(' ', indisunique, indisprimary, indisvalid, indisclustered, indisreplident, indnullsnotdistinct)
         FROM pg_index WHERE indexrelid = c.oid))
        FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE {SPACE} AND c.{USER.format("c")}""",
    "column": f"""SELECT concat_ws('|', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull,
        attidentity, attgenerated, pg_get_expr(adbin, adrelid), attcollation::regcollation, attstorage, attcompression,
        nullif(attstattarget, -1), {acl("attacl", "c", "relowner")}, (SELECT string_agg(o, ' ') FROM unnest(attoptions) o WHERE o !~ '^pg_attver='), attfdwoptions, attislocal, attinhcount,
        CASE WHEN NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid) THEN (SELECT count(*) FROM pg_attribute b
         WHERE b.attrelid = a.attrelid AND b.attnum > 0 AND NOT b.attisdropped AND b.attnum <= a.attnum) END)
        FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = relnamespace
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attnum > 0 AND NOT attisdropped AND {SPACE} AND c.{USER.format("c")}""",
    "constraint": f"""SELECT concat_ws('|', pg_describe_object('pg_constraint'::regclass, c.oid, 0),
        pg_get_constraintdef(c.oid), convalidated, conislocal, connoinherit) FROM pg_constraint c
        JOIN pg_namespace n ON n.oid = connamespace WHERE {SPACE} AND c.{USER.format("c")}""",
    "trigger": """SELECT concat_ws('|', pg_get_triggerdef(oid), tgenabled) FROM pg_trigger WHERE NOT tgisinternal""",
    "rule": f"""SELECT concat_ws('|', pg_get_ruledef(r.oid), ev_enabled) FROM pg_rewrite r
        JOIN pg_class c ON c.oid = ev_class JOIN pg_namespace n ON n.oid = relnamespace
        WHERE {SPACE} AND r.{USER.format("r")}""",
    "policy": """SELECT concat_ws('|', polrelid::regclass, polname, polcmd, polpermissive,
        (SELECT string_agg(role::regrole::text, ' ' ORDER BY role::regrole::text) FROM unnest(polroles) AS role),
        pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)) FROM pg_policy""",
    "function": f"""SELECT concat_ws('|', p.oid::regprocedure, CASE WHEN prokind <> 'a' THEN pg_get_functiondef(p.oid) END,
        pg_get_userbyid(proowner), {acl("proacl", "f", "proowner")}, to_jsonb(g) - 'aggfnoid')
        FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace LEFT JOIN pg_aggregate g ON aggfnoid = p.oid
        WHERE {SPACE} AND p.{USER.format("p")}""",
    "type": f"""SELECT concat_ws('|', y.oid::regtype, typtype, pg_get_userbyid(typowner), {acl("typacl", "T", "typowner")},
        format_type(typbasetype, typtypmod), typnotnull, typdefault, typcollation::regcollation,
        (SELECT string_agg(quote_literal(enumlabel), ' ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = y.oid),
        (SELECT concat_ws(' ', rngsubtype::regtype, rngcollation::regcollation, rngsubdiff, rngmultitypid::regtype)
         FROM pg_range WHERE rngtypid = y.oid))
        FROM pg_type y JOIN pg_namespace n ON n.oid = typnamespace WHERE {SPACE} AND y.{USER.format("y")}""",
    "sequence": """SELECT concat_ws('|', seqrelid::regclass, seqtypid::regtype, seqstart, seqincrement, seqmax, seqmin,
        seqcache, seqcycle, pg_sequence_last_value(seqrelid),
        (SELECT pg_describe_object(refclassid, refobjid, refobjsubid) FROM pg_depend
         WHERE classid = 'pg_class'::regclass AND objid = seqrelid AND deptype IN ('a', 'i'))) FROM pg_sequence""",
    "collation": f"""SELECT to_jsonb(c) - 'oid' - 'collnamespace' - 'collowner' || jsonb_build_object('schema', nspname,
        'owner', pg_get_userbyid(collowner)) FROM pg_collation c JOIN pg_namespace n ON n.oid = collnamespace WHERE {SPACE}""",
    "search": f"""SELECT concat_ws('|', c.oid::regconfig, pg_get_userbyid(cfgowner), m.maptokentype, m.mapseqno,
        m.mapdict::regdictionary) FROM pg_ts_config c JOIN pg_namespace n ON n.oid = cfgnamespace
        JOIN pg_ts_config_map m ON mapcfg = c.oid WHERE {SPACE}
        UNION ALL SELECT concat_ws('|', d.oid::regdictionary, pg_get_userbyid(dictowner), dictinitoption)
        FROM pg_ts_dict d JOIN pg_namespace n ON n.oid = dictnamespace WHERE {SPACE}""",
    "statistics": """SELECT concat_ws('|', pg_get_statisticsobjdef(oid), pg_get_userbyid(stxowner)) FROM pg_statistic_ext""",
    "publication": """SELECT concat_ws('|', pubname, pg_get_userbyid(pubowner), puballtables, pubinsert, pubupdate, pubdelete,
        pubtruncate, pubviaroot, (SELECT string_agg(concat_ws(' ', prrelid::regclass, pg_get_expr(prqual, prrelid),
        prattrs), ',' ORDER BY prrelid::regclass::text) FROM pg_publication_rel WHERE prpubid = p.oid)) FROM pg_publication p""",
    "event trigger": """SELECT concat_ws('|', evtname, evtevent, pg_get_userbyid(evtowner), evtfoid::regproc, evtenabled, evttags)
        FROM pg_event_trigger""",
    "foreign": f"""SELECT concat_ws('|', fdwname, pg_get_userbyid(fdwowner), fdwoptions, {acl("fdwacl", "F", "fdwowner")})
        FROM pg_foreign_data_wrapper
        UNION ALL SELECT concat_ws('|', srvname, pg_get_userbyid(srvowner), srvtype, srvversion, srvoptions,
        {acl("srvacl", "S", "srvowner")}) FROM pg_foreign_server
        UNION ALL SELECT concat_ws('|', srvname, usename, umoptions) FROM pg_user_mappings
        UNION ALL SELECT concat_ws('|', ftrelid::regclass, ftoptions) FROM pg_foreign_table""",
    "default privileges": """SELECT concat_ws('|', pg_get_userbyid(defaclrole), nullif(defaclnamespace, 0)::regnamespace,
        defaclobjtype, (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(defaclacl) AS a)) FROM pg_default_acl""",
    "large object": f"""SELECT concat_ws('|', m.oid, pg_get_userbyid(lomowner), {acl("lomacl", "L", "lomowner")},
        md5(lo_get(m.oid))) FROM pg_largeobject_metadata m""",
    # Operators, casts, conversions, classes and families have no function for their definition.
    "other": """SELECT concat_ws('|', o.type, o.identity, pg_describe_object(d.classid, d.objid, d.objsubid),
        (SELECT string_agg(r.reference, ' ' ORDER BY r.reference COLLATE "C") FROM (
            SELECT DISTINCT pg_describe_object(e.refclassid, e.refobjid, e.refobjsubid) AS reference FROM pg_depend e
            WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype IN ('n', 'a', 'i')) r))
        FROM (SELECT DISTINCT classid, objid, 0 AS objsubid FROM pg_depend WHERE classid IN ('pg_operator'::regclass,
            'pg_cast'::regclass, 'pg_opclass'::regclass, 'pg_opfamily'::regclass, 'pg_conversion'::regclass,
            'pg_ts_template'::regclass, 'pg_amop'::regclass, 'pg_amproc'::regclass)
            AND objid >= 16384 EXCEPT SELECT classid, objid, 0 FROM pg_depend WHERE deptype = 'e') d,
        pg_identify_object(d.classid, d.objid, 0) o""",
    "comment": """SELECT concat_ws('|', pg_describe_object(classoid, objoid, objsubid), description) FROM pg_description
        WHERE objoid >= 16384 OR objoid = 'public'::regnamespace
        EXCEPT SELECT concat_ws('|', pg_describe_object(c.classoid, c.objoid, c.objsubid), description)
        FROM pg_description c JOIN pg_depend d ON d.classid = classoid AND d.objid = objoid AND deptype = 'e'""",
    "label": """SELECT concat_ws('|', pg_describe_object(classoid, objoid, objsubid), provider, label) FROM pg_seclabel""",
}

# The rows of each table and materialized view. The columns of a child change places in a dump when its parent got one
# later (pg_dump's documented behaviour), so its rows are compared by the names of the columns.
ROWS = (
    """SELECT format('SELECT %L || count(*) || '':'' || coalesce(md5(string_agg(md5(%s), '''' ORDER BY %s COLLATE "C")), '''')
    FROM ONLY %s AS t', name || '|', value, value, name) FROM (SELECT c.oid::regclass::text AS name,
        CASE WHEN EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid) THEN 'to_jsonb(t)::text' ELSE 't::text' END AS value
        FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        WHERE relkind IN ('r', 'm') AND relispopulated AND """
    + SPACE
    + ") AS listed"
)


def lines(ask: t.Callable[[str], list[str]]) -> list[str]:
    """Return the lines of a database; ``ask`` runs a query as an administrator and returns its values."""
    found = [f"{kind}: {value}" for kind, query in QUERIES.items() for value in ask(query)]
    for query in ask(ROWS):
        found += [f"rows: {value}" for value in ask(query)]
    return sorted(found)
