import { deepStrictEqual, ok, throws } from "node:assert/strict";
import protobuf from "protobufjs";
import { trimProto } from "../../scripts/lib/trim_proto.ts";

const PROTO = new URL("../proto/rpc.proto", import.meta.resolve("etcd3"));
const CALLS: ReadonlyMap<string, string> = new Map([["KV", "Txn"], ["Auth", "UserGet"]]);
const TEXT = Deno.readTextFileSync(PROTO);

/** A .proto file that stands where etcd3's does, beside those that it imports. */
function parsed(text: string): protobuf.Root {
  const root = new protobuf.Root();
  protobuf.parse(text, root, { keepCase: true });
  for (const name of ["kv.proto", "auth.proto"]) {
    protobuf.parse(Deno.readTextFileSync(new URL(name, PROTO)), root, { keepCase: true });
  }
  root.resolveAll();
  return root;
}

/** A type and all that it is made of, by name. */
function described(type: protobuf.ReflectionObject | null, types = new Map<string, unknown>()) {
  if (!type || types.has(type.fullName)) return types;
  types.set(type.fullName, type.toJSON());
  if (type instanceof protobuf.Type) {
    for (const field of type.fieldsArray) described(field.resolvedType, types);
  }
  return types;
}

Deno.test("a trimmed .proto says the same of what is left in it, and no more", () => {
  const calls = new Set([...CALLS].map((call) => call.join(".")));
  const whole = parsed(TEXT);
  const trimmed = parsed(trimProto(TEXT, calls));
  for (const [service, name] of CALLS) {
    const [before, after] = [whole, trimmed].map((root) =>
      root.lookupService(service).methods[name]
    );
    ok(before && after);
    deepStrictEqual(after.toJSON(), before.toJSON());
    deepStrictEqual(described(after.resolvedRequestType), described(before.resolvedRequestType));
    deepStrictEqual(described(after.resolvedResponseType), described(before.resolvedResponseType));
    deepStrictEqual(Object.keys(trimmed.lookupService(service).methods), [name]);
  }
  for (const gone of ["Watch", "LeaseGrantRequest", "MemberUpdateResponse", "AlarmType"]) {
    ok(whole.lookup(`etcdserverpb.${gone}`), gone);
    deepStrictEqual(trimmed.lookup(`etcdserverpb.${gone}`), null, gone);
  }
});

Deno.test("a .proto that lacks a method is not trimmed", () => {
  throws(() => trimProto(TEXT, new Set(["KV.Txn", "KV.Fly"])), /no such method: KV\.Fly/);
});
