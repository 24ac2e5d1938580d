// Addresses and origins in the spellings that people use. If this fails, a list that somebody wrote matches
// nobody, or others than they meant.

import { describe, expect, test } from "bun:test";
import { AddressSet, isListable, networkOf, originText, plainAddress } from "../../src/domain/address.ts";

describe("a list of addresses", () => {
  const cases: [listed: string, inside: readonly string[], outside: readonly string[]][] = [
    [
      "127.0.0.1",
      ["127.0.0.1", "::ffff:127.0.0.1", "::ffff:7f00:1", "0:0:0:0:0:FFFF:127.0.0.1"],
      ["127.0.0.2", "::1", "unix", "unknown", ""],
    ],
    [
      "172.18.0.0/16",
      ["172.18.0.1", "172.18.255.255", "::ffff:172.18.3.4"],
      ["172.19.0.1", "172.17.255.255"],
    ],
    ["172.18.3.4/16", ["172.18.9.9"], ["172.19.0.1"]],
    ["0.0.0.0/0", ["1.2.3.4", "::ffff:1.2.3.4"], ["::1", "fd00::1", "unix"]],
    ["::/0", ["fd00::1", "::1"], ["unix"]],
    ["10.0.0.0/8", ["10.255.0.1"], ["11.0.0.1"]],
    [
      "loopback",
      ["127.0.0.1", "127.9.9.9", "::1", "0:0:0:0:0:0:0:1"],
      ["128.0.0.1", "::2", "10.0.0.1", "unix"],
    ],
    ["localhost", ["127.0.0.1", "::1"], ["10.0.0.1"]],
    ["unix", ["unix"], ["127.0.0.1", "::1"]],
    ["2001:0DB8:0000:0000:0000:0000:0000:0001", ["2001:db8::1", "2001:db8:0::0:1"], ["2001:db8::2"]],
    ["[2001:db8::1]", ["2001:db8::1"], ["2001:db8::2"]],
    ["2001:db8::/32", ["2001:db8:ffff::1"], ["2001:db9::1"]],
    ["fe80::1%eth0", ["fe80::1", "fe80::1%eth0", "fe80::1%3"], ["fe80::2"]],
    ["::ffff:172.18.0.0/112", ["172.18.200.1", "::ffff:172.18.0.1"], ["172.19.0.1"]],
  ];
  for (const [listed, inside, outside] of cases) {
    test(listed, () => {
      const set = new AddressSet([listed]);
      expect([
        isListable(listed),
        inside.filter((each) => !set.has(each)),
        outside.filter((each) => set.has(each)),
      ]).toEqual([true, [], []]);
    });
  }

  test("what matches nobody can't be listed", () => {
    const wrong = [
      "",
      "*",
      "all",
      "proxy",
      "172.18.0.0/33",
      "::1/129",
      "172.18.*",
      "172.18.0",
      "10.0.0.1-9",
      "127.0.0.1:80",
      "010.0.0.1",
      "1.2.3.4/",
      "/16",
      "constructor",
    ];
    expect(
      [
        ...wrong,
        "10.0.0.0/255.0.0.0",
        "http://127.0.0.1",
        " 127.0.0.1",
        "127.0.0.1,::1",
        "::ffff:1.2.3.4/8",
      ].filter(isListable),
    ).toEqual([]);
  });
});

test("one address has one spelling; attempts count by the network of an IPv6 address", () => {
  expect(["::ffff:7f00:1", "[::1]", "2001:0DB8::0:1", "10.0.0.1", "nonsense"].map(plainAddress)).toEqual([
    "127.0.0.1",
    "::1",
    "2001:db8::1",
    "10.0.0.1",
    "nonsense",
  ]);
  expect(
    [
      "2001:db8:1:2:3:4:5:6",
      "2001:db8:1:2::9",
      "2001:db8::1",
      "::1",
      "1::",
      "::ffff:9.8.7.6",
      "9.8.7.6",
      "fe80::1%eth0",
    ].map(networkOf),
  ).toEqual([
    ...[
      "2001:db8:1:2::/64",
      "2001:db8:1:2::/64",
      "2001:db8:0:0::/64",
      "0:0:0:0::/64",
      "1:0:0:0::/64",
      "9.8.7.6",
      "9.8.7.6",
      "fe80:0:0:0::/64",
    ],
  ]);
});

test("origins are what browsers send, of apps and extensions, too", () => {
  const same = [
    "http://a",
    "https://a.example:8443",
    "app://obsidian.md",
    "chrome-extension://abcdefghijklmnop",
    "moz-extension://3c-4d",
    "tauri://localhost",
  ];
  for (const origin of [
    ...same,
    "vscode-webview://1b2c-3d",
    "capacitor://localhost",
    "http://[::1]:8081",
    "tauri://localhost:1420",
  ])
    expect(originText(origin)).toBe(origin);
  expect(
    ["HTTP://A.Example:80/", "https://b:443", "APP://Obsidian.md", "http://bücher.example"].map(originText),
  ).toEqual([...["http://a.example", "https://b", "app://obsidian.md", "http://xn--bcher-kva.example"]]);
  const wrong = [
    "",
    "*",
    "null",
    "a.example",
    "a.example:80",
    "http://",
    "http://*",
    "https://*.example.com",
    "http://a/path",
    "http://a?x",
    "http://a#x",
    "http://u@a",
    "file://",
  ];
  expect(
    [
      ...wrong,
      "file:///tmp",
      "http://a:",
      "http://a:b",
      "http://a:99999",
      "app://",
      "javascript:alert(1)",
      "http://a b",
      "http://a,http://b",
      "//a",
    ].map(originText),
  ).toEqual(Array(wrong.length + 9).fill(null));
});
