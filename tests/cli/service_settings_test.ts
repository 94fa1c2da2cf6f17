import { strictEqual } from "node:assert/strict";
import { serviceSetting } from "../../lib/cli/service_settings.ts";

Deno.test("serviceSetting() reads a line as systemd does, the last of a name, and nothing else", () => {
  const root = Deno.makeTempDirSync({ prefix: "edgekeyd-settings-" });
  const says = (text: string) => {
    Deno.writeTextFileSync(`${root}/etc/default/edgekeyd`, text);
    return serviceSetting("etcd-password-file", root);
  };
  try {
    strictEqual(serviceSetting("etcd-password-file", root), undefined);
    Deno.mkdirSync(`${root}/etc/default`, { recursive: true });
    for (const line of ["=/a b", " = /a b ", '="/a b"', "='/a b'\nEDGEKEYD_ETCD_USERNAME=/c"]) {
      strictEqual(says(`EDGEKEYD_ETCD_PASSWORD_FILE${line}\n`), "/a b", line);
    }
    strictEqual(says("EDGEKEYD_ETCD_PASSWORD_FILE=/a\nEDGEKEYD_ETCD_PASSWORD_FILE=/b\n"), "/b");
    for (const none of ["", "#EDGEKEYD_ETCD_PASSWORD_FILE=/a", "EDGEKEYD_ETCD_PASSWORD_FILE="]) {
      strictEqual(says(`${none}\n`), undefined, none);
    }
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});
