/**
 * All fuzz suites. They share this file's memory, which test files do not among themselves, so that
 * what ran can be counted; each can be run alone too.
 *
 * @module
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { caseCounts, isReplay, tell } from "./_seeds.ts";
import "./command_line.ts";
import "./databases.ts";
import "./etcd_answers.ts";
import "./importer.ts";
import "./paths.ts";
import "./records.ts";
import "./scan.ts";

/** What CI must run in all. */
const MIN_CASES = 10_000;

// The last one: tests run in the order in which they were named.
Deno.test("every suite ran each of its cases, and all together as many as CI must run", () => {
  const counts = caseCounts();
  deepStrictEqual(counts.filter(({ ran, due }) => ran !== due), []);
  const all = counts.reduce((sum, { ran }) => sum + ran, 0);
  tell(`${all} cases`);
  ok(isReplay || all >= MIN_CASES, `${all} cases`);
});
