import { ok } from "node:assert/strict";
import { API_LIMITS } from "../../lib/agent/api/mod.ts";
import { MAX_HEAD_BYTES } from "../../lib/agent/api/request_head.ts";

const text = (name: string) =>
  Deno.readTextFileSync(new URL(`../../docs/${name}`, import.meta.url)).replace(/\s+/g, " ");
const seconds = (ms: number) => `${ms / 1_000} s`;
const mebibytes = (bytes: number) => `${bytes / 1_048_576} MiB`;

Deno.test("API_LIMITS are those that docs/security.md and docs/reference.md name", () => {
  const { maxOpen, maxWaiting, waitMs, bodyTimeoutMs, headTimeoutMs } = API_LIMITS;
  const rows: [string, string][] = [
    ["connections at once", `${API_LIMITS.maxConnections}`],
    ["requests that are worked on at once", `${maxOpen}`],
    ["requests that wait until one of these is done", `${maxWaiting}, for ${seconds(waitMs)}`],
    ["the head of a request", `${MAX_HEAD_BYTES / 1_024} KiB, within ${seconds(headTimeoutMs)}`],
    ["its body", `${mebibytes(API_LIMITS.maxBodyBytes)}, within ${seconds(bodyTimeoutMs)}`],
    ["all bodies at once", mebibytes(API_LIMITS.maxBodiesBytes)],
    [
      "for a client to take the next 64 KiB of an answer",
      seconds(API_LIMITS.stallTimeoutMs),
    ],
  ];
  const table = text("security.md");
  for (const [what, limit] of rows) ok(table.includes(`| ${what} | ${limit} |`), what);
  const words = `works on ${maxOpen} requests at once. ${maxWaiting} more wait for up to ` +
    `${seconds(waitMs)}.`;
  ok(text("reference.md").includes(words), words);
});

Deno.test("API_LIMITS leave connections for what is answered at once when all others are taken", () => {
  const { maxConnections, maxOpen, maxWaiting } = API_LIMITS;
  ok(maxOpen + maxWaiting < maxConnections);
});
