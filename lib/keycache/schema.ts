import { STOP_FIRST } from "../own_commands.ts";
import { KeyCacheError } from "./errors.ts";

/**
 * The schema of the records, which is the form of what they hold.
 *
 * - 1: a record says nothing of its schema
 * - 2: each record but the head's says which schema it was written in; a row has the hash of the
 *   bytes in etcd and of each owner's, unless they are not known, and whether it was adopted
 *
 * A database says in its identity which schema it is of, and may hold records of any earlier one:
 * each decoder reads the form of every schema so far. Whoever opens a database for writing brings it
 * up to the current schema first (see `bringUp`); whoever only looks changes nothing.
 *
 * A field that is not known is no damage: it is ignored, and gone once its record is written again.
 * A record of an unknown kind is left alone. So a field or a kind of record that may be lost needs
 * no new schema, if an earlier edgekeyd can read the record in spite of it; one that must not be
 * lost, or a changed form, does: an earlier edgekeyd then refuses the database.
 *
 * A new schema takes a line above, decoders that read the new form and the old, and a database in
 * `tests/keycache/fixtures`, which `make_schema.ts` there makes.
 */
export const SCHEMA_VERSION = 2;

/**
 * The schema of the head's records (identity and fence state), for ever. An earlier edgekeyd reads
 * them before it can know that the database is of a schema beyond its own, and must be able to.
 */
export const HEAD_SCHEMA = 1;

/**
 * The error of a database that a newer edgekeyd wrote.
 *
 * @param where the database
 * @param schema its schema
 * @returns an error that says what, where, and what to do
 */
export function newerSchemaError(where: string, schema: number): KeyCacheError {
  return new KeyCacheError(
    "newer-schema",
    `${where} was written by a newer edgekeyd (schema ${schema}; this one knows 1 to ` +
      `${SCHEMA_VERSION}); run that version. To go on with this one, ${STOP_FIRST}, move cache.kv* ` +
      "beside it aside, run `edgekeyd --reconcile --adopt`, and start it again",
  );
}
