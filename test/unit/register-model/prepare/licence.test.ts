import { describe, expect, test } from "vitest";
import { licenceOf } from "../../../../actions/register-model/prepare/licence.ts";

describe("a licence is known", () => {
  test.each([
    ["SPDX-License-Identifier: EUPL-1.2\n", "EUPL-1.2"],
    ["                 Apache License\n           Version 2.0, January 2004", "Apache-2.0"],
    ["MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy\nof", "MIT"],
    ["GNU AFFERO GENERAL PUBLIC LICENSE\n   Version 3, 19 November 2007", "AGPL-3.0"],
    ["GNU LESSER GENERAL PUBLIC LICENSE\n   Version 3", "LGPL-3.0"],
    ["                    GNU GENERAL PUBLIC LICENSE\n                       Version 2, June 1991", "GPL-2.0"],
    [
      "Redistributions in binary form must reproduce the above copyright notice\n3. Neither the name of the X nor\nthe names may be used to endorse or promote products",
      "BSD-3-Clause",
    ],
    ["Redistributions in binary form must reproduce the above copyright", "BSD-2-Clause"],
    ["All rights reserved.", undefined],
    ["", undefined],
  ])("by its words: %j", (text, id) => {
    expect(licenceOf(text)).toBe(id);
  });
});
