#include "script/interpreter.h"

#include <gtest/gtest.h>

#include <string>

namespace hearth::script {
namespace {

void CallKept(lua_State* lua, void* data) {
  Interpreter::PushKept(lua, *static_cast<int*>(data));
  lua_call(lua, 0, 0);
}

// What running the source raises; empty if nothing.
std::string ErrorOf(Interpreter& interpreter, std::string_view source) {
  Result<int> reference = interpreter.Compile(source, "@test");
  if (!reference) return reference.error().message;
  const bool is_done = interpreter.Call(&CallKept, &*reference);
  interpreter.Release(*reference);
  return is_done ? "" : interpreter.TakeError().text;
}

TEST(Interpreter, SaysWhatDoesNotCompile) {
  Interpreter interpreter(nullptr);
  EXPECT_EQ(ErrorOf(interpreter, "retur 1"), "test:1: '=' expected near '1'");
}

TEST(Interpreter, SaysWhereAnErrorWasRaised) {
  Interpreter interpreter(nullptr);
  Result<int> reference = interpreter.Compile("\n\nerror('boo')", "@test");
  ASSERT_TRUE(reference.has_value());
  ASSERT_FALSE(interpreter.Call(&CallKept, &*reference));
  const Interpreter::ScriptError error = interpreter.TakeError();
  EXPECT_EQ(error.text, "ERR test:3: boo");
  EXPECT_EQ(error.source, "@test");
  EXPECT_EQ(error.line, 3);
}

TEST(Interpreter, TakesWhateverIsRaised) {
  Interpreter interpreter(nullptr);
  EXPECT_EQ(ErrorOf(interpreter, "error({err='CODE text'})"), "CODE text");
  EXPECT_EQ(ErrorOf(interpreter, "error({})"), "ERR unknown error");
  EXPECT_EQ(ErrorOf(interpreter, "error(true)"), "ERR boolean");
  EXPECT_EQ(ErrorOf(interpreter, "error()"), "ERR nil");
}

TEST(Interpreter, RefusesMemoryPastItsLimitAndGoesOn) {
  constexpr size_t kLimit = 4u << 20;
  Interpreter interpreter(nullptr, kLimit);
  const std::string error =
      ErrorOf(interpreter, "local t = {} for i = 1, 1e6 do t[i] = string.rep('x', 1000) .. i end");
  EXPECT_NE(error.find("not enough memory"), std::string::npos) << error;
  EXPECT_LE(interpreter.memory_bytes(), kLimit);
  EXPECT_EQ(ErrorOf(interpreter, "local x = 1"), "");
}

}  // namespace
}  // namespace hearth::script
