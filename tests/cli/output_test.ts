import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { FLAGS } from "../../lib/cli/flags.ts";
import { printAnswer } from "../../lib/cli/output.ts";
import { makeLog } from "../../lib/agent/mod.ts";

Deno.test("printAnswer prints each choice of --output in a way of its own", () => {
  const printed = FLAGS.output.choices.map((output) => {
    const lines: string[] = [];
    const terminal = {
      out: (line: string) => lines.push(line),
      err: () => {},
      colour: false,
      watched: false,
      redraw: () => {},
    };
    printAnswer({ output }, terminal, { keys: 1 }, () => terminal.out("1 key"));
    return lines.join("\n");
  });
  deepStrictEqual(printed, ["1 key", '{"keys":1}']);
});

Deno.test("makeLog writes each choice of --log-format in a way of its own", () => {
  const lines = FLAGS["log-format"].choices.map((format) => {
    let line = "";
    makeLog(format, (text) => line = text, () => new Date(0))("info", "started", { node: "n1" });
    return line;
  });
  strictEqual(new Set(lines).size, lines.length);
  deepStrictEqual(lines, [
    "info: started node=n1",
    '{"time":"1970-01-01T00:00:00.000Z","level":"info","message":"started","node":"n1"}',
  ]);
});
