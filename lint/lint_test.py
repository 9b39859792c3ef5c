#!/usr/bin/env python3
"""Holds every check of the lint against a planted mistake and against its innocent look-alike."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import bans
import includes
import sizes
import sources


class LintTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name

    def put(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)

    def fails(self, check, path, text, word):
        self.put(path, text)
        failures = check(self.root).failures
        self.assertTrue(any(word in failure for failure in failures), f"{word!r} is not in {failures}")
        os.remove(os.path.join(self.root, path))

    def passes(self, check, path, text):
        self.put(path, text)
        self.assertEqual(check(self.root).failures, [])
        os.remove(os.path.join(self.root, path))


class IncludesTest(LintTest):
    def test_downward_and_own_includes_pass(self):
        self.passes(includes.check, "src/keyspace/a.cc", '#include "keyspace/a.h"\n#include "ds/b.h"\n')

    def test_an_upward_include_fails(self):
        self.fails(includes.check, "src/ds/a.cc", '#include "engine/b.h"\n', "upwards")

    def test_a_sideways_include_fails(self):
        self.fails(includes.check, "src/ds/a.cc", '#include "resp/b.h"\n', "sideways")

    def test_a_room_within_a_room_has_its_own_floor(self):
        self.passes(includes.check, "src/script/a.cc", '#include "script/libraries/b.h"\n')
        self.fails(includes.check, "src/script/libraries/a.cc", '#include "script/b.h"\n', "upwards")
        self.passes(includes.check, "src/script/CMakeLists.txt", "hearth_room(script DEPS script_libraries)\n")

    def test_a_core_includes_base_alone(self):
        self.passes(includes.check, "src/sentinel/core/a.cc", '#include "base/b.h"\n#include "sentinel/core/a.h"\n')
        self.fails(includes.check, "src/sentinel/core/a.cc", '#include "env/clock.h"\n', "base/ alone")

    def test_a_room_may_use_its_own_core(self):
        self.passes(includes.check, "src/sentinel/a.cc", '#include "sentinel/core/b.h"\n')

    def test_an_unknown_room_fails(self):
        self.fails(includes.check, "src/helpers/a.cc", "\n", "no floor")
        self.fails(includes.check, "src/server/a.cc", '#include "helpers/a.h"\n', "not a room")

    def test_an_include_without_its_room_fails(self):
        self.fails(includes.check, "src/ds/a.cc", '#include "b.h"\n', "path from src/")

    def test_linking_upwards_fails(self):
        self.fails(includes.check, "src/ds/CMakeLists.txt", "hearth_room(ds DEPS base engine LIBS x)\n", "upwards")
        self.passes(includes.check, "src/ds/CMakeLists.txt", "hearth_room(ds DEPS base LIBS engine)\n")


class SizesTest(LintTest):
    def test_a_huge_file_fails_and_a_long_one_warns(self):
        self.fails(sizes.check, "src/ds/a.cc", "\n" * 1001, "1001 lines")
        self.put("src/ds/b.cc", "\n" * 601)
        self.put("src/ds/b.h", "\n" * 301)
        self.assertEqual(len(sizes.check(self.root).warnings), 2)

    def test_functions_are_measured_inside_namespaces_and_classes(self):
        body = "  Call();\n" * 3
        text = (
            "namespace a {\nclass B final : public C<D> {\n public:\n"
            + f"  int Short() {{ return 1; }}\n  void Member() {{\n{body}  }}\n}};\n"
            + f"template <typename T>\nvoid Free(\n    int x) {{\n{body}}}\n"
            + f"B::B(int x) : x_{{x}}, y_(x) {{\n{body}}}\n"
            + "constexpr int kTable[] = {\n1,\n2};\n}  // namespace a\n"
        )
        found = {name: length for _, length, name in sizes.cpp_functions(text)}
        self.assertEqual(found["Short"], 1)
        self.assertEqual(found["Member"], 5)
        self.assertEqual(found["Free"], 7)

    def test_a_long_function_warns(self):
        self.put("src/ds/a.cc", "void Long() {\n" + "  Call('{', \"}\");\n" * 70 + "}\n")
        self.put("lint/a.py", "def long():\n" + "    call()\n" * 71)
        self.assertEqual(len(sizes.check(self.root).warnings), 2)


class BansTest(LintTest):
    CASES = {
        "using-namespace": ("using namespace std;", "using namespace std::string_view_literals;"),
        "iostream": ("std::cout << 1;", "stream << 1;"),
        "print": ("  printf(text);", "  Sprint(text); // printf(x)"),
        "sprintf": ("  sprintf(to, text);", "  fmt::format_to(to, text);"),
        "throw": ("  throw Error();", '  Log("throw");'),
        "catch": ("  } catch (...) {", "  catch_up(1);"),
        "parse": ("  std::stoi(text);", "  ParseInt64(text);"),
        "thread-local": ("thread_local int x;", "int thread_locality();"),
        "raw-new": ("  auto* a = new Thing(1);", "  new (place) Thing(1);"),
        "raw-delete": ("  delete thing;", "  Thing(const Thing&) = delete;"),
        "c-string": ("  strcpy(a, b);", "  std::memcpy(a, b, n);"),
        "assert": ("  assert(x);", "  static_assert(x);"),
        "volatile": ("volatile int x;", "std::atomic<int> NotVolatile();"),
        "random": ("  x = rand();", "  x = operand();"),
        "clock": ("  std::chrono::steady_clock::now();", "  clock.MonotonicMicros();"),
        "sleep": ("  std::this_thread::sleep_for(x);", "  Sleep(x);"),
        "fork": ("  if (fork() == 0) {", "  pitchfork();"),
        "system-header": ("#include <unistd.h>", "#include <sys/uio.h>"),
        "system-call": ("  ::close(fd);", "  file.close();"),
        "mutable-static": ("  static int count = 0;", "  static constexpr int kCount = 0;"),
        "mutable-global": ("int count = 0;", "constexpr int kCount = 0;"),
        "later": ("// TO" + "DO: more", "// TODOS are none"),
        "machine-path": ('const char* p = "/wo' + 'rk/main";', 'const char* p = "/var/work/x";'),
    }

    def test_each_ban_finds_its_case_and_leaves_its_look_alike(self):
        self.assertEqual(set(self.CASES) | {"python-sleep", "unordered"}, {ban.name for ban in bans.BANS})
        for name, (guilty, innocent) in self.CASES.items():
            with self.subTest(name):
                self.fails(bans.check, "src/net/a.cc", f"\n{guilty}\n", name + ":")
                self.passes(bans.check, "src/net/a.cc", f"\n{innocent}\n")

    def test_declarations_are_not_taken_for_globals(self):
        for line in (
            "int Count(int x);",
            "using Map = std::map<int, int>;",
            "class Connection;",
            "}  // namespace hearth",
            "std::string Name() { return x; }",
            "  int member_ = 0;",
            "static int Count(int x) {",
            "  static Result<Thing> Open(std::string_view path);",
            "  static const char* const kNames[] = {",
        ):
            with self.subTest(line):
                self.passes(bans.check, "src/net/a.cc", f"\n{line}\n")

    def test_sleeping_in_python_tests_fails(self):
        self.fails(bans.check, "tests/server/test_a.py", "time.sleep(1)\n", "python-sleep")
        self.passes(bans.check, "tests/support/wait.py", "time.sleep(0.01)\n")

    def test_hash_order_in_a_pure_machine_fails(self):
        self.fails(bans.check, "src/cluster/core/a.cc", "std::unordered_map<int, int> x_;\n", "unordered")
        self.passes(bans.check, "src/cluster/a.cc", "  std::unordered_map<int, int> x_;\n")

    def test_a_waiver_needs_a_reason_and_a_cause(self):
        waiver = "  // lint: allow raw-new"
        self.passes(bans.check, "src/net/a.cc", f"{waiver} because a reason\n  x = new Thing;\n")
        self.fails(bans.check, "src/net/a.cc", f"{waiver}\n  x = new Thing;\n", "gives its reason")
        self.fails(bans.check, "src/net/a.cc", f"{waiver} because a reason\n", "waives nothing")

    def test_a_header_opens_with_words_and_pragma_once(self):
        self.passes(bans.check, "src/net/a.h", "// What it is.\n#pragma once\n")
        self.fails(bans.check, "src/net/a.h", "#pragma once\n", "opens with")
        self.fails(bans.check, "src/net/a.h", "// What it is.\n", "pragma once")


class SourcesTest(unittest.TestCase):
    def test_comments_and_literals_are_blanked_and_lines_kept(self):
        text = 'a(1\'000); /* x\n y */ b("//c", \'"\', R"(d\n")"); // e\n#include "f/g.h"\n'
        code = sources.strip_cpp(text)
        self.assertEqual(code.count("\n"), text.count("\n"))
        self.assertIn("a(1'000);", code)
        self.assertIn('"f/g.h"', code)
        for gone in "xycde":
            self.assertNotIn(gone, code.split("#include")[0])


if __name__ == "__main__":
    unittest.main()
