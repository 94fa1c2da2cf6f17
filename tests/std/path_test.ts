/** The contract of the part of @std/path that edgekeyd uses, from the real package's documentation. */
import assert from "node:assert/strict";
import {
  basename,
  dirname,
  fromFileUrl,
  isAbsolute,
  join,
  normalize,
  relative,
  resolve,
  toFileUrl,
} from "@std/path";

Deno.test("basename takes the last segment, and cuts a suffix that is not all of it", () => {
  assert.equal(basename("/home/user/Documents/"), "Documents");
  assert.equal(basename("/home/user/Documents/image.png"), "image.png");
  assert.equal(basename("/home/user/Documents/image.png", ".png"), "image");
  assert.equal(basename("/home/.png", ".png"), ".png");
  assert.equal(basename("/"), "/");
});

Deno.test("dirname drops the last segment", () => {
  assert.equal(dirname("/home/user/Documents/"), "/home/user");
  assert.equal(dirname("/home/user/Documents/image.png"), "/home/user/Documents");
  assert.equal(dirname("image.png"), ".");
  assert.equal(dirname("/image.png"), "/");
});

Deno.test("isAbsolute looks at the first character", () => {
  assert.equal(isAbsolute("/home/user/Documents/"), true);
  assert.equal(isAbsolute("home/user/Documents/"), false);
  assert.equal(isAbsolute(""), false);
});

Deno.test("join normalizes what it joins", () => {
  assert.equal(join("/foo", "bar", "baz/asdf", "quux", ".."), "/foo/bar/baz/asdf");
  assert.equal(join("a", "", "b"), "a/b");
  assert.equal(join("a", "/b"), "a/b");
  assert.equal(join(""), ".");
});

Deno.test("normalize resolves dots and doubled separators", () => {
  assert.equal(normalize("/foo/bar//baz/asdf/quux/.."), "/foo/bar/baz/asdf");
  assert.equal(normalize("./a/"), "a/");
  assert.equal(normalize("../a/../.."), "../..");
  assert.equal(normalize(""), ".");
});

Deno.test("relative leads from one path to the other", () => {
  assert.equal(relative("/data/foo/test/aaa", "/data/foo/impl/bbb"), "../../impl/bbb");
  assert.equal(relative("/data", "/data"), "");
  assert.equal(relative("/data", "/data/a"), "a");
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

Deno.test("toFileUrl encodes an absolute path, and refuses a relative one", () => {
  assert.equal(toFileUrl("/home/foo").href, "file:///home/foo");
  assert.equal(toFileUrl("/home/foo bar").href, "file:///home/foo%20bar");
  const odd = "/a/100%/b?c#d\\e\tf";
  assert.equal(fromFileUrl(toFileUrl(odd)), odd);
  assert.throws(() => toFileUrl("foo"), TypeError);
});
