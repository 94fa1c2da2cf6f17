import { strictEqual } from "node:assert/strict";
import { areSettingsClosed, serviceSetting } from "../../lib/cli/service_settings.ts";

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

Deno.test("areSettingsClosed() is false for what is there or is not, and nothing is read of what is closed", () => {
  const root = Deno.makeTempDirSync({ prefix: "edgekeyd-settings-" });
  try {
    strictEqual(areSettingsClosed(root), false, "not there");
    Deno.mkdirSync(`${root}/etc/default`, { recursive: true });
    Deno.writeTextFileSync(`${root}/etc/default/edgekeyd`, "");
    strictEqual(areSettingsClosed(root), false);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});

Deno.test({
  name: "areSettingsClosed() is true for what may not be read, which names nothing",
  permissions: { read: false },
  fn() {
    strictEqual(areSettingsClosed("/"), true);
    strictEqual(serviceSetting("etcd-servers", "/"), undefined);
  },
});
