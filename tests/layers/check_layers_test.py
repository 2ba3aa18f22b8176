#!/usr/bin/env python3
"""Proves on a temporary tree that each rule of check_layers can fail, names the right line, and lets good code pass."""
import pathlib
import tempfile
import unittest

import check_layers


class Rules(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.tmp.name)
        self.write("src/base/ok.h", "// Idea.\n#include <vector>\n")

    def tearDown(self):
        self.tmp.cleanup()

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def expect(self, *starts):
        found = check_layers.check(self.root)
        self.assertEqual(len(found), len(starts), found)
        for line, start in zip(found, starts):
            self.assertTrue(line.startswith(start), line)

    def test_good_tree_passes(self):
        self.write("src/btf/a.cpp", '// Idea.\n#include "base/ok.h"\n#include "btf/b.h"\n#include "isa/c.h"\n')
        self.write("src/cli/a.cpp", '// Idea.\n#include "runtime/kernel.h"\n#include "verifier/verify.h"\n')
        self.write("src/maps/def/hash.cpp", '// Idea.\n#include "maps/table.h"\n#include "maps/def/hash.h"\n')
        self.expect()

    def test_room_order(self):
        self.write("src/btf/a.cpp", '// Idea.\n\n#include "contract/catalog.h"\n')
        self.expect("src/btf/a.cpp:3: room btf is above contract")

    def test_verifier_sees_only_its_five(self):
        self.write("src/verifier/path/a.h", '// Idea.\n#include "maps/map.h"\n')
        self.expect("src/verifier/path/a.h:2: the verifier sees only")

    def test_def_siblings_by_room_path(self):
        self.write("src/maps/def/hash.cpp", '// Idea.\n#include "maps/def/array.h"\n')
        self.expect("src/maps/def/hash.cpp:2: def/ siblings")

    def test_def_siblings_by_bare_name(self):
        self.write("src/helpers/def/time.cpp", '// Idea.\n#include "random.h"\n')
        self.expect("src/helpers/def/time.cpp:2: def/ siblings")

    def test_def_siblings_across_rooms(self):
        self.write("src/helpers/def/time.cpp", '// Idea.\n#include "maps/def/array.h"\n')
        self.expect("src/helpers/def/time.cpp:2: def/ siblings")

    def test_cpu_folders(self):
        self.write("src/jit/arm64/emit.cpp", '// Idea.\n#include "jit/x86_64/emit.h"\n#include "jit/common/a.h"\n')
        self.expect("src/jit/arm64/emit.cpp:2: jit/arm64 never sees jit/x86_64")

    def test_length(self):
        self.write("src/base/long.cpp", "// Idea.\n" * 601)
        self.write("tests/unit/a.cpp", "// Idea.\n" * 600)
        self.write("scripts/tool", "#\n" * 700)
        self.write("tests/x/golden/table.txt", "1\n" * 5000)
        self.expect("src/base/long.cpp:601: 601 lines", "scripts/tool:601: 700 lines")

    def test_banned_names(self):
        self.write("src/verifier/a.cpp", "// Idea.\nint x;\nint y = BPF_MAP_TYPE_HASH;\nint z = BPF_FUNC_tail_call;\n")
        self.write("src/contract/a.cpp", "// Idea.\nint y = BPF_PROG_TYPE_XDP;\n")
        self.expect("src/verifier/a.cpp:3: the verifier knows no BPF_MAP_TYPE_HASH",
                    "src/verifier/a.cpp:4: the verifier knows no BPF_FUNC_tail_call")

    def test_banned_names_in_comments_too(self):
        self.write("src/verifier/a.cpp", "// BPF_PROG_TYPE_XDP is special here.\n")
        self.expect("src/verifier/a.cpp:1: the verifier knows no BPF_PROG_TYPE_XDP")

    def test_opening_comment(self):
        self.write("src/base/a.h", "\n#pragma once\n// Late.\n")
        self.write("include/osmia/a.h", "/* Idea. */\n#pragma once\n")
        self.write("src/base/empty.cpp", "")
        self.expect("src/base/a.h:2: the file does not open", "src/base/empty.cpp:1: the file does not open")

    def test_unknown_room(self):
        self.write("src/utils/a.h", "// Idea.\n")
        self.expect("src/utils/a.h:1: 'utils' is not a room")


if __name__ == "__main__":
    unittest.main()
