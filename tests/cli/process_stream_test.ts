import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { ProcessStream } from "../../lib/cli/process_stream.ts";

/** A pipe that does not block, which has room for so many bytes. */
class Pipe {
  room = 0;
  taken = "";

  writeSync(bytes: Uint8Array): number {
    if (this.room === 0) throw new Deno.errors.WouldBlock();
    const part = bytes.subarray(0, this.room);
    this.room -= part.length;
    this.taken += new TextDecoder().decode(part);
    return part.length;
  }
}

Deno.test("ProcessStream waits for a reader that is slow, and prints all", () => {
  const pipe = new Pipe();
  let pauses = 0;
  const stream = new ProcessStream(pipe, () => {
    // Each byte is taken after as long as a reader that has stopped is waited for, or nearly.
    if (++pauses % 10_000 === 0) pipe.room = 1;
  });
  stream.write("slow\n");
  deepStrictEqual([pipe.taken, stream.lost], ["slow\n", undefined]);
});

Deno.test("ProcessStream gives up a reader that takes nothing for a minute, and says so", () => {
  const pipe = new Pipe();
  pipe.room = 2;
  let waitedMs = 0;
  const stream = new ProcessStream(pipe, (ms) => waitedMs += ms);
  stream.write("none\n");
  strictEqual(waitedMs, 60_000);
  deepStrictEqual(stream.lost, { reason: "its reader took nothing for 60 s", isUnread: false });
  pipe.room = 9;
  stream.write("later\n");
  strictEqual(pipe.taken, "no", "a gap would be worse than an end");
});

Deno.test("ProcessStream waits for a stuck reader once, not at each line, until it reads again", () => {
  const pipe = new Pipe();
  let waitedMs = 0;
  const stream = new ProcessStream(pipe, (ms) => waitedMs += ms);
  for (let line = 0; line < 100; line++) stream.tryToWrite(`${line}\n`);
  strictEqual(waitedMs, 60_000);
  pipe.room = 3;
  stream.tryToWrite("on\n");
  stream.tryToWrite("on\n");
  strictEqual(pipe.taken, "on\n");
  ok(waitedMs > 60_000, "one that reads is waited for again");
});
