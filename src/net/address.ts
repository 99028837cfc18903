import { lookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";

const words: Readonly<Record<string, string>> = {
  unspecified: "the unspecified address",
  broadcast: "a broadcast address",
  multicast: "a multicast address",
  linkLocal: "a link-local address",
  loopback: "a loopback address",
  private: "a private address",
  uniqueLocal: "a private address",
  deprecatedSiteLocal: "a private address",
  carrierGradeNat: "a carrier-internal address",
  ipv4Mapped: "an IPv4 address inside IPv6",
  rfc6145: "an IPv4 address inside IPv6",
  rfc6052: "an IPv4 address inside IPv6",
  "6to4": "an IPv4 address inside IPv6",
  teredo: "an IPv4 address inside IPv6",
};

/** Azure's host agent answers here; the address itself is an ordinary public one. */
const azureHostAgent = "168.63.129.16";

/** Why a request to this IP address must not be made; undefined when it may. */
export type AddressRule = (address: string) => string | undefined;

/** The rule for the public internet. */
export function refuseAddress(address: string): string | undefined {
  if (isIP(address) === 0) return "not an IP address";
  const parsed = ipaddr.parse(address);
  const range: string = parsed.range();
  if (range !== "unicast") return words[range] ?? "a reserved address";
  if (parsed.toString() === azureHostAgent) return "a cloud metadata address";
  // IANA has given out 2000::/3 only; ipaddr.js calls everything without a rule unicast.
  if (parsed.kind() === "ipv6" && !parsed.match(ipaddr.parse("2000::"), 3)) {
    return "a reserved address";
  }
  return undefined;
}

/** The address in the host of a URL, as `URL.hostname` normalises it; undefined for a name. */
export function literalAddress(hostname: string): string | undefined {
  const bare = hostname.replace(/^\[(.*)\]$/, "$1");
  return isIP(bare) === 0 ? undefined : bare;
}

/**
 * A lookup for `connect` that hands out an address only after checking it, so what was checked is
 * what is connected to. A name is refused when any of its addresses is. Sockets skip the lookup
 * for literal addresses: check `literalAddress` before connecting.
 */
export function guardedLookup(
  rule: AddressRule,
  refused: (hostname: string, reason: string) => Error,
): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, "");
      const reason = addresses.map(({ address }) => rule(address)).find(Boolean);
      if (reason) return callback(refused(hostname, reason), "");
      if (options.all) return callback(null, addresses);
      const [first] = addresses;
      callback(null, first?.address ?? "", first?.family ?? 0);
    });
  };
}
