/** The contract of the part of @std/path that edgekeyd uses, from the real package's documentation. */
import assert from "node:assert/strict";
import { dirname, fromFileUrl, join, resolve, toFileUrl } from "@std/path";

Deno.test("dirname drops the last segment", () => {
  assert.equal(dirname("/home/user/Documents/"), "/home/user");
  assert.equal(dirname("/home/user/Documents/image.png"), "/home/user/Documents");
  assert.equal(dirname("image.png"), ".");
  assert.equal(dirname("/image.png"), "/");
});

Deno.test("join normalizes what it joins", () => {
  assert.equal(join("/foo", "bar", "baz/asdf", "quux", ".."), "/foo/bar/baz/asdf");
  assert.equal(join("a", "", "b"), "a/b");
  assert.equal(join("a", "/b"), "a/b");
  assert.equal(join(""), ".");
});

Deno.test("resolve stops at the last absolute path, or starts at the working directory", () => {
  assert.equal(resolve("/foo", "bar", "baz/asdf", "quux", ".."), "/foo/bar/baz/asdf");
  assert.equal(resolve("/foo", "/bar", "./baz/"), "/bar/baz");
  assert.equal(resolve("a"), join(Deno.cwd(), "a"));
});

Deno.test("fromFileUrl decodes the path of a file URL", () => {
  assert.equal(fromFileUrl(new URL("file:///home/foo")), "/home/foo");
  assert.equal(fromFileUrl("file:///home/foo%20bar/%3F%23%25"), "/home/foo bar/?#%");
  assert.throws(() => fromFileUrl("https://example.com/a"), TypeError);
});

Deno.test("toFileUrl encodes an absolute path", () => {
  assert.equal(toFileUrl("/home/foo").href, "file:///home/foo");
  assert.equal(toFileUrl("/home/foo bar/?#%").href, "file:///home/foo%20bar/%3F%23%25");
  assert.throws(() => toFileUrl("foo"), TypeError);
});
