const KUBE_VERSION = /^v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?$/;

/**
 * Orders API versions the way Kubernetes does: GA before beta before alpha, a higher version
 * before a lower one, anything else last and by its letters.
 *
 * @param a for example `v1`
 * @param b for example `v2beta1`
 * @returns negative if `a` has priority
 */
export function compareVersionPriority(a: string, b: string): number {
  const left = KUBE_VERSION.exec(a);
  const right = KUBE_VERSION.exec(b);
  if (!left || !right) {
    if (left || right) return left ? -1 : 1;
    return a < b ? -1 : a > b ? 1 : 0;
  }
  return stage(right) - stage(left) || Number(right[1]) - Number(left[1]) ||
    Number(right[3] ?? 0) - Number(left[3] ?? 0);
}

function stage(match: RegExpExecArray): number {
  return match[2] === undefined ? 2 : match[2] === "beta" ? 1 : 0;
}
