"""A database schema with rows, drawn at random from all that PostgreSQL can hold.

The same seed draws the same schema. Nothing here knows how a backup works: ``run.py`` backs the schema up, restores it
and compares the catalogs.
"""

from __future__ import annotations

import random
import typing as t

from names import ODD_NAMES, SCALARS, ident, literal


class Schema:
    """The statements of a schema. ``superuser`` draws what only an administrator can create too."""

    def __init__(self, seed: int, superuser: bool = False, roles: t.Sequence[str] = ()) -> None:
        """Draw the schema; ``roles`` exist and get privileges."""
        self.random = random.Random(seed)
        self.superuser = superuser
        self.roles = list(roles)
        self.number = 0
        self.schemas = ["public"]
        self.tables: list[tuple[str, list[str]]] = []
        self.statements: list[str] = []
        self.features: dict[str, int] = {}
        self.types: list[tuple[str, t.Callable[[], str]]] = []
        self._draw()

    # --- the parts of statements ---

    def name(self) -> str:
        """Return a new name without quotes, at most 63 bytes long."""
        self.number += 1
        return f"{self.random.choice(ODD_NAMES)}_{self.number}"

    def new(self) -> str:
        """Return the quoted and qualified name of a new object."""
        return f"{ident(self.random.choice(self.schemas))}.{ident(self.name())}"

    def run(self, *statements: str) -> None:
        """Add statements."""
        self.statements += statements

    def text(self) -> str:
        """Return a literal with characters that escaping loses."""
        parts = ["a", "'", '"', "\\", "\n", "\t", "ß", "表", "\U0001f600", ";", "$$", "%", ",", "{", "\\N", "\\.", " "]
        return literal("".join(self.random.choices(parts, k=self.random.randint(0, 12))))

    def value(self, type_name: str) -> str:
        """Return an expression of a value of a type, sometimes NULL."""
        draw = self.random
        if draw.random() < 0.1:
            return "NULL"
        number = draw.randint(-30000, 30000)
        known: dict[str, t.Callable[[], str]] = {
            "bool": lambda: draw.choice(["true", "false"]),
            "float4": lambda: draw.choice(["'NaN'", "'-Infinity'", "1e-37", str(draw.random())]),
            "float8": lambda: draw.choice(["'NaN'", "'Infinity'", "1e-300", repr(draw.random())]),
            "numeric": lambda: draw.choice(["'NaN'", "'Infinity'", f"{number}.{draw.getrandbits(90)}"]),
            "text": self.text,
            "varchar(40)": self.text,
            "char(7)": lambda: literal(draw.choice(["", "x", "seven77"])),
            "bytea": lambda: f"decode('{draw.randbytes(draw.randint(0, 40)).hex()}', 'hex')",
            "date": lambda: draw.choice(["'infinity'", "'4713-01-01 BC'", f"date '2000-01-01' + {number}"]),
            "time": lambda: "'23:59:59.999999'",
            "timetz": lambda: "'12:00:00.5+13:45'",
            "timestamp": lambda: draw.choice(["'-infinity'", f"timestamp '2000-01-01' + interval '{number} s'"]),
            "timestamptz": lambda: draw.choice(["'infinity'", f"timestamptz 'epoch' + interval '{number} h'"]),
            "interval": lambda: f"'{number} months {draw.randint(-9, 9)} days {draw.random()} s'",
            "uuid": lambda: f"'{draw.getrandbits(128):032x}'",
            "json": lambda: f"json_build_object({self.text()}, {number}, 'a', ARRAY[1, NULL])",
            "jsonb": lambda: f"jsonb_build_object({self.text()}, {number}, 'a', {self.text()})",
            "xml": lambda: "'<a b=\"c\">d</a>'",
            "inet": lambda: draw.choice(["'10.1.2.3/8'", "'::1'", "'2001:db8::/32'"]),
            "cidr": lambda: "'10.0.0.0/8'",
            "macaddr": lambda: "'08:00:2b:01:02:03'",
            "macaddr8": lambda: "'08:00:2b:01:02:03:04:05'",
            "point": lambda: f"'({number},{draw.random()})'",
            "box": lambda: f"'(1,2),({number},4)'",
            "path": lambda: f"'[(1,2),({number},4)]'",
            "polygon": lambda: f"'((1,2),({number},4),(5,6))'",
            "circle": lambda: f"'<(1,{number}),3>'",
            "lseg": lambda: f"'[(1,2),({number},4)]'",
            "bit(9)": lambda: f"B'{draw.getrandbits(9):09b}'",
            "varbit": lambda: f"B'{draw.getrandbits(5):05b}'",
            "tsvector": lambda: "to_tsvector('english', 'the quick brown foxes')",
            "tsquery": lambda: "to_tsquery('english', 'quick & !fox')",
            "int4range": lambda: f"int4range({number}, {number + draw.randint(1, 9)}, '(]')",
            "tstzrange": lambda: "tstzrange('2026-01-01Z', NULL, '[)')",
            "nummultirange": lambda: "'{[1.5,2),(3,4.25]}'",
            "oid": lambda: str(abs(number)),
            "name": lambda: "'a_name'",
            '"char"': lambda: "'x'",
            "pg_lsn": lambda: "'16/B374D848'",
            "money": lambda: f"({number})::int4::money",
            **dict(self.types),
        }
        return known.get(type_name, lambda: str(number))()

    # --- the features ---

    def _draw(self) -> None:
        own = [name for name in dir(self) if name.startswith("add_")]
        admin = [name for name in dir(self) if name.startswith("administrator_")] if self.superuser else []
        # Each feature once, so that a seed never misses one; then more of them by chance.
        first = ["add_schema", "add_types", "add_table", "add_table"]
        others = [name for name in own if name not in first]
        self.random.shuffle(others)
        plan = first + others + admin + self.random.choices(own, k=self.random.randint(5, 25))
        for name in plan:
            getattr(self, name)()
            feature = name.partition("_")[2]
            self.features[feature] = self.features.get(feature, 0) + 1
        self._comments_and_grants()

    def add_schema(self) -> None:
        """A schema, or one that stays empty."""
        name = self.name()
        self.run(f"CREATE SCHEMA {ident(name)}")
        if self.random.random() < 0.7:
            self.schemas.append(name)

    def add_types(self) -> None:
        """An enum, a domain, a composite type, a range, and arrays of them."""
        enum, domain, composite, ranged = (self.new() for _each in range(4))
        labels = [self.name() for _each in range(self.random.randint(1, 5))]
        listed = ", ".join(map(literal, labels))
        self.run(
            f"CREATE TYPE {enum} AS ENUM ({listed})",
            f"ALTER TYPE {enum} ADD VALUE 'early' BEFORE {literal(labels[0])}",
            f"CREATE DOMAIN {domain} AS text COLLATE \"C\" DEFAULT 'x' CONSTRAINT {ident(self.name())}"
            " CHECK (length(VALUE) < 500)",
            f"CREATE TYPE {composite} AS (a int, {ident(self.name())} text, c {enum}[])",
            f"CREATE TYPE {ranged} AS RANGE (subtype = float8, subtype_diff = float8mi)",
        )
        self.types += [
            (enum, lambda: literal(self.random.choice(labels))),
            (domain, self.text),
            (
                composite,
                lambda: f"ROW({self.random.randint(0, 9)}, {self.text()}, ARRAY[{literal(labels[0])}]::{enum}[])",
            ),
            (ranged, lambda: f"{ranged}({self.random.random()}, 2)"),
            (f"{enum}[]", lambda: f"ARRAY[{literal(labels[-1])}, NULL]::{enum}[]"),
            ("int4[]", lambda: "'[2:3][0:1]={{1,2},{NULL,4}}'"),
            ("text[]", lambda: f"ARRAY[{self.text()}, {self.text()}]"),
        ]

    def columns(self) -> tuple[list[str], list[tuple[str, str]]]:
        """Return the definitions of drawn columns, and the name and type of each."""
        types = [*self.random.sample(SCALARS, self.random.randint(2, 9)), *(name for name, value in self.types)]
        chosen = self.random.sample(types, min(len(types), self.random.randint(3, 12)))
        found = [(ident(self.name()), type_name) for type_name in chosen]
        definitions = []
        for name, type_name in found:
            extra = f" DEFAULT {self.value(type_name)}" if self.random.random() < 0.3 else ""
            if type_name == "text" and self.random.random() < 0.5:
                extra += self.random.choice([' COLLATE "C"', " STORAGE EXTERNAL", " COMPRESSION pglz"])
                extra = extra if "DEFAULT" not in extra else ""
            definitions.append(f"{name} {type_name}{extra}")
        return definitions, found

    def fill(self, table: str, columns: t.Sequence[tuple[str, str]], rows: int) -> None:
        """Insert drawn rows."""
        names = ", ".join(name for name, type_name in columns)
        values = [f"({', '.join(self.value(type_name) for name, type_name in columns)})" for _each in range(rows)]
        if values and columns:
            self.run(f"INSERT INTO {table} ({names}) VALUES {', '.join(values)}")

    def add_table(self) -> None:
        """A table with drawn columns, an identity, a generated column, checks, indexes and rows."""
        table, key = self.new(), ident(self.name())
        definitions, found = self.columns()
        identity = self.random.choice(["ALWAYS", "BY DEFAULT"])
        step = self.random.choice([1, 3, -2])
        options = f"(START {self.random.randint(1, 99)} INCREMENT {step} MINVALUE -5000 MAXVALUE 5000 CYCLE)"
        kind = self.random.choice(["TABLE"] * 6 + ["UNLOGGED TABLE"])
        generated = f"{ident(self.name())} int8 GENERATED ALWAYS AS ({key} * 2) STORED"
        self.run(
            f"CREATE {kind} {table} ({key} int8 GENERATED {identity} AS IDENTITY {options} PRIMARY KEY,"
            f" {', '.join(definitions)}, {generated}, CONSTRAINT {ident(self.name())} CHECK ({key} IS NOT NULL))"
            f" WITH (fillfactor = {self.random.randint(20, 100)})",
        )
        if self.random.random() < 0.4:
            dropped = ident(self.name())
            self.run(f"ALTER TABLE {table} ADD {dropped} text", f"ALTER TABLE {table} DROP {dropped}")
        self.fill(table, found, self.random.randint(0, 30))
        self.tables.append((table, [key]))
        if self.random.random() < 0.5:
            self.run(f"CREATE UNIQUE INDEX {ident(self.name())} ON {table} (({key} + 1) DESC) WHERE {key} > 0")
            self.run(f"ALTER TABLE {table} ALTER {key} SET STATISTICS 321")

    def add_narrow_tables(self) -> None:
        """A table without columns, with a row, and one with very long values."""
        none, long = self.new(), self.new()
        self.run(f"CREATE TABLE {none} ()", f"INSERT INTO {none} DEFAULT VALUES")
        self.run(f"CREATE TABLE {long} (a text, b bytea)")
        self.run(f"INSERT INTO {long} SELECT repeat('xß', 90000), decode(repeat('00ff', 50000), 'hex')")

    def add_partitions(self) -> None:
        """A partitioned table with partitions of partitions, and a default one."""
        table, key, other = self.new(), ident(self.name()), ident(self.name())
        how = self.random.choice(["RANGE", "LIST", "HASH"])
        self.run(f"CREATE TABLE {table} ({key} int, {other} text DEFAULT 'x') PARTITION BY {how} ({key})")
        bounds = {
            "RANGE": ["FROM (MINVALUE) TO (10)", "FROM (10) TO (1000)"],
            "LIST": ["IN (1, 2, NULL)", "IN (3)"],
            "HASH": ["WITH (MODULUS 2, REMAINDER 0)", "WITH (MODULUS 2, REMAINDER 1)"],
        }[how]
        self.run(f"CREATE TABLE {self.new()} PARTITION OF {table} FOR VALUES {bounds[0]}")
        nested = self.new()
        self.run(f"CREATE TABLE {nested} PARTITION OF {table} FOR VALUES {bounds[1]} PARTITION BY HASH ({other})")
        self.run(f"CREATE TABLE {self.new()} PARTITION OF {nested} FOR VALUES WITH (MODULUS 1, REMAINDER 0)")
        if how != "HASH":
            self.run(f"CREATE TABLE {self.new()} PARTITION OF {table} DEFAULT")
        self.run(f"CREATE INDEX ON {table} ({other})")
        self.run(f"INSERT INTO {table} SELECT number, 'row ' || number FROM generate_series(1, 40) AS number")

    def add_inheritance(self) -> None:
        """A table with two parents, one of which got a column later."""
        first, second, child = self.new(), self.new(), self.new()
        shared, late = ident(self.name()), ident(self.name())
        self.run(
            f"CREATE TABLE {first} ({shared} int NOT NULL, a text CHECK (a <> 'never'))",
            f"CREATE TABLE {second} ({shared} int, b text)",
            f"CREATE TABLE {child} (c int DEFAULT 7) INHERITS ({first}, {second})",
            f"ALTER TABLE {first} ADD {late} int DEFAULT 9",
            f"ALTER TABLE {child} ALTER {late} SET DEFAULT 10",
            f"INSERT INTO {child} ({shared}, a, b) VALUES (1, 'x', 'y'), (2, NULL, NULL)",
            f"INSERT INTO {first} VALUES (3, 'parent')",
        )

    def add_cycle(self) -> None:
        """Two tables that refer to each other, and one that refers to itself."""
        first, second, own = self.new(), self.new(), self.new()
        self.run(
            f"CREATE TABLE {first} (id int PRIMARY KEY, other int)",
            f"CREATE TABLE {second} (id int PRIMARY KEY, other int REFERENCES {first} ON DELETE CASCADE"
            " DEFERRABLE INITIALLY DEFERRED)",
            f"INSERT INTO {first} VALUES (1, 1), (2, 2)",
            f"INSERT INTO {second} VALUES (1, 2), (2, 1)",
            f"ALTER TABLE {first} ADD CONSTRAINT {ident(self.name())} FOREIGN KEY (other) REFERENCES {second}"
            " MATCH FULL ON UPDATE SET NULL",
            f"CREATE TABLE {own} (id int PRIMARY KEY, parent int REFERENCES {own})",
            f"INSERT INTO {own} SELECT n, nullif(n - 1, 0) FROM generate_series(1, 20) AS n ORDER BY n DESC",
            f"ALTER TABLE {own} ADD CONSTRAINT {ident(self.name())} CHECK (id < 10) NOT VALID",
        )

    def add_exclusion(self) -> None:
        """A constraint by which ranges must not overlap, and one whose check waits for the commit."""
        table = self.new()
        self.run(
            f"CREATE TABLE {table} (at int4range, place point, EXCLUDE USING gist (at WITH &&),"
            " EXCLUDE USING gist (place WITH ~=) DEFERRABLE INITIALLY DEFERRED)",
            f"INSERT INTO {table} SELECT int4range(n, n + 1), point(n, n) FROM generate_series(1, 9) AS n",
        )

    def add_sequences(self) -> None:
        """A sequence of nothing, one of a column, one that counts down, and a serial column."""
        free = self.new()
        # A sequence belongs to a column of its own schema only.
        schema = ident(self.random.choice(self.schemas))
        owned, table = (f"{schema}.{ident(self.name())}" for _each in range(2))
        self.run(
            f"CREATE SEQUENCE {free} AS int2 INCREMENT -3 MINVALUE -900 MAXVALUE 100 START 50 CACHE 5 CYCLE",
            f"SELECT nextval({literal(free)})",
            f"CREATE TABLE {table} (a serial, b int)",
            f"CREATE SEQUENCE {owned} OWNED BY {table}.b",
            f"ALTER TABLE {table} ALTER b SET DEFAULT nextval({literal(owned)})",
            f"INSERT INTO {table} SELECT FROM generate_series(1, 5)",
            f"CREATE SEQUENCE {self.new()}",
        )

    def add_views(self) -> None:
        """Views, one with a rule and one that is recursive, and materialized views, of another and without rows."""
        table, keys = self.random.choice(self.tables)
        view, over, filled, second, empty = (self.new() for _each in range(5))
        self.run(
            f"CREATE VIEW {view} WITH (security_barrier) AS SELECT *, 1 AS {ident(self.name())} FROM {table}",
            f"CREATE VIEW {over} (key) AS SELECT {keys[0]} FROM {table} WHERE {keys[0]} > 3 WITH LOCAL CHECK OPTION",
            f"CREATE RECURSIVE VIEW {self.new()} (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM"
            f" (SELECT 1 AS n) AS one WHERE n < 0",
            f"CREATE MATERIALIZED VIEW {filled} AS SELECT {keys[0]} AS key, count(*) FROM {view} GROUP BY 1",
            f"CREATE UNIQUE INDEX ON {filled} (key)",
            f"CREATE MATERIALIZED VIEW {second} AS SELECT sum(key) AS total FROM {filled}",
            f"CREATE MATERIALIZED VIEW {empty} AS SELECT * FROM {over} WITH NO DATA",
            f"CREATE RULE {ident(self.name())} AS ON INSERT TO {over} DO INSTEAD NOTHING",
        )

    def add_functions(self) -> None:
        """Functions and procedures in SQL and PL/pgSQL, an aggregate, an operator, a cast, and triggers."""
        table, keys = self.random.choice(self.tables)
        plain, body, logic, trigger, total, state = (self.new() for _each in range(6))
        log, kind = self.new(), self.new()
        self.run(
            f"CREATE FUNCTION {plain}(a int, b text DEFAULT 'it''s', VARIADIC c int[] DEFAULT '{{}}') RETURNS int"
            " LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 7 AS $body$ SELECT a + length(b) /* $$ \\ ' */ $body$",
            f"CREATE FUNCTION {body}(a int) RETURNS TABLE (x int, y text) BEGIN ATOMIC SELECT a, 'b'::text; END",
            f"CREATE PROCEDURE {logic}(INOUT a int) LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS"
            " $$ BEGIN a := a + 1; COMMIT; EXCEPTION WHEN others THEN RAISE NOTICE '%', a; END $$",
            f"CREATE TABLE {log} (at int)",
            f"CREATE FUNCTION {trigger}() RETURNS trigger LANGUAGE plpgsql AS"
            f" $fn$ BEGIN INSERT INTO {log} VALUES (1); RETURN NEW; END $fn$",
            f"CREATE TRIGGER {ident(self.name())} BEFORE INSERT OR UPDATE OF {keys[0]} ON {table} FOR EACH ROW"
            f" WHEN (NEW.{keys[0]} > 0) EXECUTE FUNCTION {trigger}('an ''argument''')",
            f"CREATE TRIGGER {ident('all rows')} AFTER DELETE ON {log} REFERENCING OLD TABLE AS old_rows"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {trigger}()",
            f"ALTER TABLE {log} DISABLE TRIGGER {ident('all rows')}",
            f"CREATE FUNCTION {state}(numeric, numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT $1 + $2'",
            f"CREATE AGGREGATE {total}(numeric) (SFUNC = {state}, STYPE = numeric, INITCOND = '0', PARALLEL = SAFE)",
            f"CREATE OPERATOR {ident(self.schemas[-1])}.{self.operator()} (LEFTARG = numeric, RIGHTARG = numeric,"
            f" FUNCTION = {state}, COMMUTATOR = OPERATOR({ident(self.schemas[-1])}.{self.last_operator}))",
            f"CREATE TYPE {kind} AS (a int)",
        )
        cast = self.new()
        self.run(
            f"CREATE FUNCTION {cast}({kind}) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1.a'",
            f"CREATE CAST ({kind} AS int) WITH FUNCTION {cast}({kind}) AS ASSIGNMENT",
        )

    last_operator = ""

    def operator(self) -> str:
        """Return a new operator."""
        self.number += 1
        digits = "+*<>=~!@#%^&|"
        self.last_operator = "@" + "".join(digits[int(digit)] for digit in str(self.number)) + "#"
        return self.last_operator

    def add_policies(self) -> None:
        """A table whose policies apply to its owner too, a materialized view of it, and one without policies."""
        table, closed = self.new(), self.new()
        roles = ", ".join(map(ident, self.roles)) or "PUBLIC"
        self.run(
            f"CREATE TABLE {table} (account text, body text)",
            f"INSERT INTO {table} SELECT 'account ' || n % 3, 'row ' || n FROM generate_series(1, 30) AS n",
            f"CREATE POLICY {ident(self.name())} ON {table} USING (account = current_setting('app.account', true))",
            f"CREATE POLICY {ident(self.name())} ON {table} AS RESTRICTIVE FOR UPDATE TO {roles}"
            " WITH CHECK (body <> '')",
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE MATERIALIZED VIEW {self.new()} AS SELECT count(*) FROM {table}",
            f"CREATE TABLE {closed} (a int)",
            f"INSERT INTO {closed} VALUES (1), (2)",
            f"ALTER TABLE {closed} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {closed} FORCE ROW LEVEL SECURITY",
        )

    def add_large_objects(self) -> None:
        """Large objects, one of them empty."""
        number = 70000 + self.random.randint(0, 9_000_000)
        content = self.random.randbytes(self.random.randint(1, 6000)).hex()
        self.run(
            f"SELECT lo_from_bytea({number}, decode('{content}', 'hex'))",
            f"SELECT lo_create({number + 1})",
            f"COMMENT ON LARGE OBJECT {number} IS {self.text()}",
            *(f"GRANT SELECT ON LARGE OBJECT {number} TO {ident(role)}" for role in self.roles[:1]),
        )

    def add_collations(self) -> None:
        """Collations of ICU, one that is not deterministic, and an index by one."""
        plain, loose, table = self.new(), self.new(), self.new()
        self.run(
            f"CREATE COLLATION {plain} (provider = icu, locale = 'de-u-co-phonebk')",
            f"CREATE COLLATION {loose} (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
            f"CREATE TABLE {table} (a text COLLATE {plain}, b text COLLATE {loose} UNIQUE)",
            f"INSERT INTO {table} VALUES ('Ä', 'A'), ('z', 'b')",
            f"CREATE INDEX ON {table} (a DESC NULLS LAST) INCLUDE (b)",
        )

    def add_search(self) -> None:
        """A text search dictionary and configuration, and an index that needs them."""
        dictionary, config, table = self.new(), self.new(), self.new()
        self.run(
            f"CREATE TEXT SEARCH DICTIONARY {dictionary} (TEMPLATE = simple, ACCEPT = false)",
            f"CREATE TEXT SEARCH CONFIGURATION {config} (COPY = english)",
            f"ALTER TEXT SEARCH CONFIGURATION {config} ALTER MAPPING FOR asciiword WITH {dictionary}, english_stem",
            f"CREATE TABLE {table} (a text)",
            f"CREATE INDEX ON {table} USING gin (to_tsvector({literal(config)}::regconfig, a))",
            f"INSERT INTO {table} VALUES ('the quick foxes'), (NULL)",
        )

    def add_statistics(self) -> None:
        """Extended statistics of columns and of an expression."""
        table = self.new()
        self.run(
            f"CREATE TABLE {table} (a int, b int)",
            f"INSERT INTO {table} SELECT n, n % 3 FROM generate_series(1, 50) AS n",
            f"CREATE STATISTICS {self.new()} (ndistinct, dependencies, mcv) ON a, b FROM {table}",
            f"CREATE STATISTICS {self.new()} ON (a + b), a FROM {table}",
        )

    def add_publication(self) -> None:
        """Publications of a table with a list of columns and a filter, and of nothing."""
        table = self.new()
        self.run(
            f"CREATE TABLE {table} (id int PRIMARY KEY, a text, b text)",
            f"CREATE PUBLICATION {ident(self.name())} FOR TABLE {table} (id, a) WHERE (id > 5)"
            " WITH (publish = 'insert, update')",
            f"CREATE PUBLICATION {ident(self.name())}",
            f"ALTER TABLE {table} REPLICA IDENTITY FULL",
        )

    def add_extension(self) -> None:
        """Trusted extensions, in a schema of their own or in public, and what depends on them."""
        if "extension" in self.features:
            return
        name, table = self.name(), self.new()
        self.run(
            f"CREATE SCHEMA {ident(name)}",
            f"CREATE EXTENSION hstore SCHEMA {ident(name)}",
            "CREATE EXTENSION btree_gist SCHEMA public",
            "CREATE EXTENSION citext SCHEMA public",
            "CREATE EXTENSION cube SCHEMA public",
            f"CREATE TABLE {table} (a {ident(name)}.hstore, b public.citext, c int4range, d int,"
            " EXCLUDE USING gist (d WITH =, c WITH &&))",
            f"INSERT INTO {table} VALUES ('a=>1, \"b c\"=>NULL', 'CiText', '[1,2)', 1)",
        )

    # --- what only an administrator can create ---

    def administrator_event_trigger(self) -> None:
        """Event triggers, one of them disabled."""
        function, disabled = self.new(), ident(self.name())
        self.run(
            f"CREATE FUNCTION {function}() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$",
            f"CREATE EVENT TRIGGER {ident(self.name())} ON ddl_command_end WHEN TAG IN ('CREATE TABLE')"
            f" EXECUTE FUNCTION {function}()",
            f"CREATE EVENT TRIGGER {disabled} ON sql_drop EXECUTE FUNCTION {function}()",
            f"ALTER EVENT TRIGGER {disabled} DISABLE",
        )

    def administrator_foreign_data(self) -> None:
        """A foreign data wrapper, a server, user mappings with options, and a foreign table."""
        wrapper, server = ident(self.name()), ident(self.name())
        self.run(
            f"CREATE FOREIGN DATA WRAPPER {wrapper} OPTIONS (debug 'it''s')",
            f"CREATE SERVER {server} TYPE 'x' VERSION '1' FOREIGN DATA WRAPPER {wrapper} OPTIONS (host {self.text()})",
            f"CREATE USER MAPPING FOR PUBLIC SERVER {server} OPTIONS (password {self.text()})",
            *(f"CREATE USER MAPPING FOR {ident(role)} SERVER {server} OPTIONS (secret 'x')" for role in self.roles),
            f"CREATE FOREIGN TABLE {self.new()} (a int OPTIONS (b 'c') NOT NULL, d text) SERVER {server}"
            " OPTIONS (e 'f')",
        )

    def administrator_classes(self) -> None:
        """An operator class, a family, a conversion of text, and a publication of everything."""
        family, own = self.new(), self.new()
        self.run(
            f"CREATE OPERATOR FAMILY {family} USING btree",
            f"CREATE OPERATOR CLASS {own} FOR TYPE int4 USING btree FAMILY {family} AS OPERATOR 1 <, OPERATOR 2 <=,"
            " OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint4cmp(int4, int4)",
            f"CREATE CONVERSION {self.new()} FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
            f"CREATE PUBLICATION {ident(self.name())} FOR ALL TABLES WITH (publish_via_partition_root)",
            f"CREATE TEXT SEARCH TEMPLATE {self.new()} (LEXIZE = dsimple_lexize)",
            f"CREATE OPERATOR FAMILY {self.new()} USING hash",
        )

    def administrator_owners(self) -> None:
        """Objects of other roles."""
        for role in self.roles:
            table, schema = self.name(), self.name()
            self.run(
                f"CREATE SCHEMA {ident(schema)} AUTHORIZATION {ident(role)}",
                f"CREATE TABLE {ident(schema)}.{ident(table)} (a serial PRIMARY KEY)",
                f"INSERT INTO {ident(schema)}.{ident(table)} DEFAULT VALUES",
                f"ALTER TABLE {ident(schema)}.{ident(table)} OWNER TO {ident(role)}",
            )

    # --- at the end ---

    def _comments_and_grants(self) -> None:
        for table, keys in self.tables:
            self.run(
                f"COMMENT ON TABLE {table} IS {self.text()}", f"COMMENT ON COLUMN {table}.{keys[0]} IS {self.text()}"
            )
            for role in self.roles:
                option = self.random.choice(["", " WITH GRANT OPTION"])
                self.run(f"GRANT SELECT, UPDATE ({keys[0]}) ON {table} TO {ident(role)}{option}")
        for schema in self.schemas:
            self.run(f"COMMENT ON SCHEMA {ident(schema)} IS {self.text()}")
            for role in self.roles:
                self.run(f"GRANT USAGE ON SCHEMA {ident(schema)} TO {ident(role)}")
                privileges = f"ALTER DEFAULT PRIVILEGES IN SCHEMA {ident(schema)} GRANT"
                self.run(f"{privileges} SELECT ON TABLES TO {ident(role)}")
        for role in self.roles:
            self.run(f"ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO {ident(role)}")
        self.run("ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
