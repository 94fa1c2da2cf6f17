/**
 * Speaks to a daemon by types that openapi-typescript made of its document. They stand beside it
 * once a test has made them, and it is checked and run there.
 */
export const TYPED_CLIENT = `
import createClient from "openapi-fetch";
import type { components, paths } from "./openapi.d.ts";

const [socket = ""] = Deno.args;
const http = Deno.createHttpClient({ proxy: { transport: "unix", path: socket } });
const client = createClient<paths>({
  baseUrl: "http://127.0.0.1",
  fetch: (request) => fetch(request, { client: http }),
});
const OBJECT =
  "/v1/components/{component}/resources/{gvr}/namespaces/{namespace}/objects/{name}";
const path = {
  component: "typed-agent",
  gvr: "configmaps.v1.core",
  namespace: "default",
  name: "typed",
};
const params = { path };
const metadata = { name: path.name, namespace: path.namespace, uid: "u", resourceVersion: "7" };
const body: components["schemas"]["Object"] = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata,
  extra: { big: "BIG", none: null },
};
// 2^53+1 is no number of JavaScript's.
const text = JSON.stringify(body).replace('"BIG"', "9007199254740993");

function expect(holds: boolean, what: string, why: unknown): void {
  if (!holds) throw new Error(\`\${what}: \${JSON.stringify(why)}\`);
}

const bodySerializer = () => text;
const created = await client.POST(OBJECT, { params, body, bodySerializer });
const count: number | undefined = created.data?.created;
expect(count === 1, "created", created.error);
const again = await client.POST(OBJECT, { params, body, bodySerializer });
const code: components["schemas"]["Error"]["code"] | undefined = again.error?.code;
expect(code === "KeyExists", "again", again);
const read = await client.GET(OBJECT, { params, parseAs: "text" });
expect(read.data === text, "read", read);
const listed = await client.GET("/v1/components/{component}/resources/{gvr}", {
  params: { path, query: { namespace: path.namespace } },
  parseAs: "text",
});
expect(listed.data?.includes(text) === true, "listed", listed);
const status = await client.GET("/v1/status");
const state: components["schemas"]["Status"]["state"] | undefined = status.data?.state;
expect(state === "in-step", "state", status);
http.close();
console.log("done");
`;
