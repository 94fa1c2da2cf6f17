import { EtcdConfigError } from "./config_error.ts";

const FLAG = "--etcd-servers";
const DEFAULT_PORT = 2379;
const MAX_ENDPOINTS = 16;

const ENDPOINT = /^(?:(https?):\/\/)?(\[[^\]]*\]|[^:/?#@[\]]+)(?::(\d+))?\/?$/i;
const DNS_NAME =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*$/;

/**
 * Reads the text of `--etcd-servers`: `[http[s]://]host[:port]`, separated by commas.
 *
 * @param text the flag's value; an IPv6 address stands in brackets
 * @param options `tls`: a CA or a certificate is given, so that an endpoint without a scheme is
 *   meant as https
 * @returns the endpoints as `scheme://host:port`, in the order given
 * @throws {EtcdConfigError} if there is none or more than 16, if one is malformed or appears
 *   twice, or if http and https are mixed
 */
export function parseEndpoints(text: string, options: { tls: boolean }): string[] {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.length > MAX_ENDPOINTS) {
    throw new EtcdConfigError(
      `${FLAG} names ${parts.length} endpoints, at most ${MAX_ENDPOINTS} are taken`,
    );
  }
  const endpoints = parts.map((part) => parseEndpoint(part, options.tls ? "https" : "http"));
  const twice = endpoints.find((endpoint, index) => endpoints.indexOf(endpoint) !== index);
  if (twice) throw new EtcdConfigError(`${FLAG} names ${twice} twice`);
  if (endpoints.some(isHttps) && !endpoints.every(isHttps)) {
    throw new EtcdConfigError(`${FLAG} mixes http and https: use one of them for all endpoints`);
  }
  return endpoints;
}

/** @returns true if the endpoint is spoken to over TLS */
export function isHttps(endpoint: string): boolean {
  return endpoint.startsWith("https://");
}

/**
 * @param endpoint as `parseEndpoints` returns it
 * @returns what to connect to; an IPv6 address without its brackets
 */
export function hostAndPort(endpoint: string): { hostname: string; port: number } {
  const match = ENDPOINT.exec(endpoint);
  if (!match) throw new EtcdConfigError(`${FLAG}: ${quoted(endpoint)} is not an endpoint`);
  const [, , host = "", port = DEFAULT_PORT] = match;
  return { hostname: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}

function parseEndpoint(text: string, defaultScheme: string): string {
  if (text === "") throw new EtcdConfigError(`${FLAG}: an endpoint is empty`);
  // Before anything else, and without quoting: the text may hold a password.
  if (text.includes("@")) {
    throw new EtcdConfigError(
      `${FLAG}: no user name or password in an endpoint; use --etcd-username and --etcd-password-file`,
    );
  }
  const scheme = /^([a-z][a-z0-9+.-]*):(?:\/\/|\/)/i.exec(text)?.[1];
  if (scheme && !/^https?$/i.test(scheme) || /^unix:/i.test(text)) {
    throw new EtcdConfigError(`${FLAG}: ${quoted(text)} is neither http:// nor https://`);
  }
  const match = ENDPOINT.exec(text);
  if (!match) {
    throw new EtcdConfigError(
      `${FLAG}: ${quoted(text)} is not of the form [http[s]://]host[:port], without a path, ` +
        `an IPv6 address in brackets`,
    );
  }
  const [, ownScheme = defaultScheme, host = "", portText = String(DEFAULT_PORT)] = match;
  const port = Number(portText);
  if (port < 1 || port > 65_535) {
    throw new EtcdConfigError(`${FLAG}: ${quoted(text)} has a port outside 1 to 65535`);
  }
  return `${ownScheme.toLowerCase()}://${normalHost(host, text)}:${port}`;
}

function normalHost(host: string, text: string): string {
  const lower = host.toLowerCase();
  // The URL parser refuses what is no address, and shortens IPv6, so that twins are told.
  const parsed = URL.parse(`http://${lower}`)?.hostname;
  // No name ends in a number: that is an IPv4 address, or a port alone.
  const isAddress = lower.startsWith("[") || /(^|\.)\d+$/.test(lower);
  if (isAddress && parsed && (parsed === lower || lower.startsWith("["))) return parsed;
  if (!isAddress && DNS_NAME.test(lower)) return lower;
  throw new EtcdConfigError(
    `${FLAG}: ${quoted(host)} in ${quoted(text)} is neither a host name nor an IP address`,
  );
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
