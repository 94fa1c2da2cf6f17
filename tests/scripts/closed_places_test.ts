/** scripts/lib/closed_places.sh, by the shell of the package's postinst, on settings of many kinds. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { fromFileUrl } from "@std/path";

const FILE = fromFileUrl(new URL("../../scripts/lib/closed_places.sh", import.meta.url));
/** As `systemctl show` has them. */
const SYSTEMCTL = `#!/bin/sh
case $4 in
InaccessiblePaths) echo "-/etc/shadow -/etc/ssl/private -+/var/lib/kubelet /closed" ;;
ProtectHome) echo yes ;;
esac
`;

async function say(settings: string): Promise<{ code: number; lines: string[] }> {
  const root = Deno.makeTempDirSync({ prefix: "edgekeyd-closed-" });
  try {
    Deno.mkdirSync(`${root}/bin`);
    Deno.writeTextFileSync(`${root}/bin/systemctl`, SYSTEMCTL, { mode: 0o755 });
    Deno.symlinkSync("/etc/ssl/private/key", `${root}/link`);
    const file = `${root}/settings`;
    Deno.writeTextFileSync(file, settings.replaceAll("ROOT", root));
    const { code, stderr } = await new Deno.Command("sh", {
      args: ["-euc", '. "$1"; say_closed "$2"', "-", FILE, file],
      env: { PATH: `${root}/bin:${Deno.env.get("PATH")}` },
    }).output();
    return { code, lines: new TextDecoder().decode(stderr).split("\n").slice(0, -1) };
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

Deno.test("say_closed names each setting whose file the unit closes to the service, and what to do", async () => {
  for (
    const [line, name, place] of [
      [
        "EDGEKEYD_ETCD_KEYFILE=/etc/ssl/private/etcd.key",
        "EDGEKEYD_ETCD_KEYFILE",
        "/etc/ssl/private",
      ],
      [
        '  EDGEKEYD_ETCD_CERTFILE = "/var/lib/kubelet/pki/a b.pem" ',
        "EDGEKEYD_ETCD_CERTFILE",
        "/var/lib/kubelet",
      ],
      [
        "EDGEKEYD_ETCD_PASSWORD_FILE='/run/user/7/word'",
        "EDGEKEYD_ETCD_PASSWORD_FILE",
        "/run/user",
      ],
      ["EDGEKEYD_ETCD_CAFILE=/etc/../closed/ca.crt", "EDGEKEYD_ETCD_CAFILE", "/closed"],
      ["EDGEKEYD_ETCD_KEYFILE=ROOT/link", "EDGEKEYD_ETCD_KEYFILE", "/etc/ssl/private"],
      ["EDGEKEYD_CACHE_DIR=/home/yurt/cache", "EDGEKEYD_CACHE_DIR", "/home"],
      ["EDGEKEYD_ETCD_PASSWORD_FILE=/etc/shadow", "EDGEKEYD_ETCD_PASSWORD_FILE", "/etc/shadow"],
    ] as const
  ) {
    const { code, lines } = await say(`# what is set\n${line}\nEDGEKEYD_NODE_NAME=n\n`);
    deepStrictEqual([code, lines.length], [0, 1], line);
    match(
      lines.join(),
      new RegExp(
        `^edgekeyd: ${name}=\\S.*: the service can't read it, since its unit closes ${place}\\. Copy it to /etc/edgekeyd, `,
      ),
    );
  }
});

Deno.test("say_closed says nothing of what the service can read", async () => {
  const { code, lines } = await say(
    "EDGEKEYD_ETCD_KEYFILE=/etc/edgekeyd/etcd.key\nEDGEKEYD_ETCD_CAFILE=/etc/shadow-of/ca\n" +
      "#EDGEKEYD_ETCD_CERTFILE=/etc/ssl/private/etcd.crt\nEDGEKEYD_ETCD_SERVERS=https://closed:2379\n" +
      "OTHER=/etc/ssl/private/other\n",
  );
  deepStrictEqual([code, lines], [1, []]);
  strictEqual((await say("")).code, 1);
});
