/**
 * Breaks what edgekeyd never expects to break; in a binary it runs before the program does.
 *
 * @module
 */
Deno.hostname = () => {
  throw new RangeError("nobody foresaw this");
};
