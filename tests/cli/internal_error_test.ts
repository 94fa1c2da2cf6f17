import { match, strictEqual } from "node:assert/strict";
import { InternalError, presentable } from "../../lib/cli/internal_error.ts";
import { EdgekeydError } from "../../lib/errors.ts";

Deno.test("internal error: one line that says where, whatever was thrown", () => {
  const { message } = presentable(new TypeError("x is\n  undefined"));
  match(message, /^internal error: TypeError: x is undefined.*; please report it$/);
  strictEqual(presentable("text").message, "internal error: string; please report it");
  strictEqual(presentable(undefined).message, "internal error: undefined; please report it");

  const cause = new Error("boom");
  cause.stack = "Error: boom\n    at f (file:///somewhere/lib/store/apply.ts:12:3)";
  match(new InternalError(cause).message, /Error: boom \(lib\/store\/apply\.ts:12\);/);
});

Deno.test("internal error: what a parser read is not quoted", () => {
  let message = "";
  try {
    JSON.parse("{secret: 1}");
  } catch (error) {
    message = presentable(error).message;
  }
  match(message, /^internal error: SyntaxError/);
  strictEqual(message.includes("secret"), false);
});

Deno.test("internal error: a foreseen one stays as it is", () => {
  const error = new EdgekeydError("Code", "what, where, what to do");
  strictEqual(presentable(error), error);
});
