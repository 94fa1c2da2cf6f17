/** scripts/debian/postinst on an upgrade, in a root of its own, with a systemd that writes down what it is asked. */
import { deepStrictEqual, match } from "node:assert/strict";
import { fromFileUrl } from "@std/path";

const SCRIPTS = fromFileUrl(new URL("../../scripts", import.meta.url));
/** What it touches. */
const PLACES = /(?<=\s)\/(var\/lib\/edgekeyd|etc\/default\/edgekeyd|run\/)/g;
const SYSTEMCTL = `#!/bin/sh
case "$*" in
*InaccessiblePaths*) echo /closed ;;
*ProtectHome*) echo no ;;
*is-active*) [ "$ACTIVE" = yes ] ;;
esac
`;
const INVOKE = '#!/bin/sh\necho "$*" >>"$ASKED"\n';

/** An upgrade with such settings: what systemd was asked, and what was said. */
async function upgrade(settings: string, isActive: boolean) {
  const root = Deno.makeTempDirSync({ prefix: "edgekeyd-postinst-" });
  try {
    for (const path of ["bin", "etc/default", "var/lib/edgekeyd", "run/systemd/system"]) {
      Deno.mkdirSync(`${root}/${path}`, { recursive: true });
    }
    const stubs = { systemctl: SYSTEMCTL, "deb-systemd-invoke": INVOKE };
    const idle = { "deb-systemd-helper": "#!/bin/sh\n", "systemd-sysusers": "#!/bin/sh\n" };
    for (const [name, text] of Object.entries({ ...stubs, ...idle })) {
      Deno.writeTextFileSync(`${root}/bin/${name}`, text, { mode: 0o755 });
    }
    Deno.writeTextFileSync(`${root}/etc/default/edgekeyd`, settings);
    Deno.writeTextFileSync(`${root}/asked`, "");
    const places = Deno.readTextFileSync(`${SCRIPTS}/lib/closed_places.sh`);
    const script = Deno.readTextFileSync(`${SCRIPTS}/debian/postinst`)
      .replace(/^.*closed_places.sh is put here.*$/m, () => places)
      .replaceAll(PLACES, `${root}/$1`);
    const { code, stderr } = await new Deno.Command("sh", {
      args: ["-c", script, "postinst", "configure", "0.0.9"],
      env: {
        PATH: `${root}/bin:${Deno.env.get("PATH")}`,
        ACTIVE: isActive ? "yes" : "no",
        ASKED: `${root}/asked`,
      },
    }).output();
    const asked = Deno.readTextFileSync(`${root}/asked`).trim();
    return { code, asked, said: new TextDecoder().decode(stderr) };
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

const SERVERS = "EDGEKEYD_ETCD_SERVERS=https://a:2379\n";
const CLOSED = `${SERVERS}EDGEKEYD_ETCD_KEYFILE=/closed/key\n`;

Deno.test("postinst: an upgrade restarts what runs, if the new unit closes no file of its settings", async () => {
  const asked = "try-restart edgekeyd.service";
  deepStrictEqual(await upgrade(SERVERS, true), { code: 0, asked, said: "" });
});

Deno.test("postinst: where the unit closes a file, it names the file, and an old service only if one runs", async () => {
  const running = await upgrade(CLOSED, true);
  deepStrictEqual([running.code, running.asked], [0, ""]);
  match(
    running.said,
    /EDGEKEYD_ETCD_KEYFILE=\/closed\/key: .*\nedgekeyd: until then the old service goes on\..* systemctl restart edgekeyd\n$/,
  );
  const stopped = await upgrade(CLOSED, false);
  deepStrictEqual([stopped.code, stopped.asked], [0, ""]);
  match(stopped.said, /^edgekeyd: EDGEKEYD_ETCD_KEYFILE=\/closed\/key: .*\n$/);
});
