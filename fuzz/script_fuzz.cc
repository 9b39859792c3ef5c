// Programs and bytes from anywhere, in a Lua state as scripts find it: whatever a program does, it ends,
// stays within its memory, finds no function of the system, and leaves the globals as they were; cjson,
// cmsgpack and struct take any bytes for a value or refuse them.
//
// The first byte chooses: a program ('s', for one), or the bytes for one of the decoders ('h', 'i', 'j').
#include <memory>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "fuzz_input.h"
#include "script/libraries/libraries.h"
#include "script/libraries/testing/bounded_lua.h"

namespace hearth::script {
namespace {

constexpr size_t kMemoryBytes = size_t{32} << 20;

// What no program may have reached or changed. `intact` is compared with what it was at the start.
constexpr std::string_view kState = R"(
  local names = {}
  for _, library in ipairs{'_G', 'string', 'table', 'math', 'bit', 'os', 'coroutine', 'cjson', 'cmsgpack', 'struct'} do
    for name, value in pairs(rawget(_G, library)) do
      if name ~= 'BYTES' then names[#names + 1] = library .. '.' .. tostring(name) .. ':' .. type(value) end
    end
  end
  table.sort(names)
  return table.concat(names, ' '), string.rep('x', 2), ('x'):upper(), getmetatable('').__index == string)";

constexpr std::string_view kForbidden[] = {"io",       "debug",    "package", "require", "ffi",
                                           "jit",      "loadfile", "dofile",  "getfenv", "setfenv",
                                           "newproxy", "print",    "module"};

void CheckIntact(BoundedLua& lua, const std::string& before) {
  HEARTH_ASSERT(lua.Run(kState) == before);
  for (const std::string_view name : kForbidden) {
    HEARTH_ASSERT(lua.Run("return rawget(_G, '" + std::string(name) + "')") == "nil");
  }
  HEARTH_ASSERT(lua.used_bytes() <= kMemoryBytes);
}

void RunOnBytes(BoundedLua& lua, std::string_view bytes, std::string_view program) {
  PushGlobals(lua.state());
  lua_pushlstring(lua.state(), bytes.data(), bytes.size());
  lua_setfield(lua.state(), -2, "BYTES");
  const std::string result = lua.Run(program);
  HEARTH_ASSERT(result == "true" || result.starts_with("error: "));
}

// What was decoded is encoded, and that means the same again.
constexpr std::string_view kJson = R"(
  local value = cjson.decode(BYTES)
  local c = cjson.new()
  c.encode_invalid_numbers(true)
  local ok, text = pcall(c.encode, value)
  return not ok or c.encode(c.decode(text)) == text)";

constexpr std::string_view kMessagePack = R"(
  local offset = 0
  while offset >= 0 do
    local value
    offset, value = cmsgpack.unpack_one(BYTES, offset)
    local packed = cmsgpack.pack(value)
    if cmsgpack.pack(cmsgpack.unpack(packed)) ~= packed and type(value) ~= 'table' then return false end
  end
  pcall(cmsgpack.unpack, BYTES)
  return true)";

constexpr std::string_view kStruct = R"(
  local format = BYTES:match('^[^%z]*')
  pcall(struct.size, format)
  pcall(struct.unpack, format, BYTES:sub(#format + 2))
  pcall(struct.pack, format, 1, 'text', 2.5, -3, 'more', 1e300, -1, 0, 1, 2, 3)
  return true)";

void RunOne(FuzzInput input) {
  const uint8_t choice = input.Byte();
  const bool is_program = choice % 8 > 2;
  BoundedLua lua(
      {.memory_bytes = kMemoryBytes, .instructions = 300'000, .seconds = 2, .has_patterns = !is_program});
  switch (choice % 8) {
    case 0:
      return RunOnBytes(lua, input.Rest(), kJson);
    case 1:
      return RunOnBytes(lua, input.Rest(), kMessagePack);
    case 2:
      return RunOnBytes(lua, input.Rest(), kStruct);
    default:
      break;
  }
  const std::string before = lua.Run(kState);
  lua.Run(input.Rest());
  CheckIntact(lua, before);
}

}  // namespace
}  // namespace hearth::script

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hearth::script::RunOne(hearth::FuzzInput(data, size));
  return 0;
}
