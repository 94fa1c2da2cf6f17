import { deepStrictEqual } from "node:assert/strict";
import { PermittedRanges } from "../../lib/etcd/permitted_ranges.ts";

Deno.test("PermittedRanges.unknown() leaves out what lies in one range that was permitted in the last minute", () => {
  let nowMs = 0;
  const permitted = new PermittedRanges(() => nowMs);
  const keys = ["/r/a", "/r/b", "/r/d", "/r/f"];
  deepStrictEqual(permitted.unknown(keys), keys);
  permitted.add([{ first: "/r/a", last: "/r/b" }, { first: "/r/e", last: "/r/f" }]);
  deepStrictEqual(permitted.unknown(keys), ["/r/d"]);
  nowMs = 30_000;
  permitted.add([{ first: "/r/d", last: "/r/d" }]);
  nowMs = 59_999;
  deepStrictEqual(permitted.unknown(keys), []);
  nowMs = 60_000;
  deepStrictEqual(permitted.unknown(keys), ["/r/a", "/r/b", "/r/f"]);
  permitted.clear();
  deepStrictEqual(permitted.unknown(keys), keys);
});

Deno.test("PermittedRanges orders keys as etcd does, and remembers so many ranges", () => {
  const permitted = new PermittedRanges(() => 0);
  // By UTF-16 the second comes before the first.
  permitted.add([{ first: "/r/a", last: "/r/\uFF5E" }]);
  deepStrictEqual(permitted.unknown(["/r/\u{1F600}"]), ["/r/\u{1F600}"]);
  for (let i = 0; i < 64; i++) permitted.add([{ first: `/s/${i}`, last: `/s/${i}` }]);
  deepStrictEqual(permitted.unknown(["/r/a", "/s/0", "/s/63"]), ["/r/a"]);
});
