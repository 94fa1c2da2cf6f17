import { deepStrictEqual } from "node:assert/strict";
import { makeLog } from "../../lib/agent/log.ts";

Deno.test("a log line is one line, with level and key=value, or one JSON object", () => {
  const lines: string[] = [];
  const at = new Date("2026-01-02T03:04:05.006Z");
  const text = makeLog("text", (line) => lines.push(line), () => at);
  const journal = makeLog("journal", (line) => lines.push(line), () => at);
  const json = makeLog("json", (line) => lines.push(line), () => at);
  const fields = { keys: 3, path: "a b\n<3>c=d", none: undefined, plain: "/registry/x" };
  text("warning", "odd\nmessage", fields);
  journal("warning", "odd\nmessage", fields);
  json("error", "odd\nmessage", fields);
  const rest = 'odd message keys=3 path="a b\\n<3>c=d" plain=/registry/x';
  deepStrictEqual(lines.slice(0, 2), [`warning: ${rest}`, `<4>${rest}`]);
  deepStrictEqual(JSON.parse(lines[2] ?? ""), {
    time: "2026-01-02T03:04:05.006Z",
    level: "error",
    message: "odd\nmessage",
    keys: 3,
    path: "a b\n<3>c=d",
    plain: "/registry/x",
  });
});
