// Any bytes as a payload of FUNCTION RESTORE: what cannot be read, registers nothing or contradicts what is
// there leaves the libraries as they were; what is taken is dumped and restored as the same. Libraries that
// never end are given up, also where they come by a payload.
//
// The first byte chooses what becomes of the library that is there. The second chooses what the rest is: a
// payload, one without its footer, the code of libraries with zero bytes in between, or the same without
// their first lines; the third, whether these are compressed.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/crc64.h"
#include "engine/testing/engine_fixture.h"
#include "fuzz_input.h"
#include "rdb/encode_primitives.h"
#include "script/function_payload.h"
#include "script/function_store.h"

namespace hearth::script {
namespace {

using Existing = engine::FunctionLibraries::Existing;
using Codes = std::vector<std::string>;

// Half a second is soon over for whoever keeps asking.
class HastyClock final : public env::Clock {
 public:
  int64_t WallMicros() override { return 1'700'000'000'000'000; }
  int64_t MonotonicMicros() override { return now_us_ += 100'000; }

 private:
  int64_t now_us_ = 0;
};

// Less memory than libraries have, so that a fuzzer has enough for itself. Outlives the state.
class LittleMemory {
 public:
  void Limit(lua_State* lua) {
    allocate_ = lua_getallocf(lua, &self_);
    lua_setallocf(lua, &LittleMemory::Allocate, this);
  }

 private:
  static constexpr size_t kBytes = size_t{32} << 20;

  static void* Allocate(void* self, void* block, size_t old_bytes, size_t new_bytes) {
    auto* memory = static_cast<LittleMemory*>(self);
    if (new_bytes > old_bytes && memory->more_bytes_ + (new_bytes - old_bytes) > kBytes) return nullptr;
    void* given = memory->allocate_(memory->self_, block, old_bytes, new_bytes);
    if (given != nullptr || new_bytes == 0) memory->more_bytes_ += new_bytes - old_bytes;
    return given;
  }

  void* self_ = nullptr;
  lua_Alloc allocate_ = nullptr;
  size_t more_bytes_ = size_t{1} << 20;  // than when this began, of which a megabyte may be given back
};

// Patterns may take for ever in one call, in which nothing is looked at.
void TakePatternsAway(lua_State* lua) {
  lua_pushliteral(lua, "");
  HEARTH_ASSERT(luaL_getmetafield(lua, -1, "__index") != 0 && lua_istable(lua, -1));
  // What programs see only shows the table that has them.
  while (luaL_getmetafield(lua, -1, "__index") != 0) {
    HEARTH_ASSERT(lua_istable(lua, -1));
    lua_remove(lua, -2);
  }
  for (const char* name : {"find", "match", "gmatch", "gsub", "rep"}) {
    lua_pushstring(lua, name);
    lua_pushnil(lua);
    lua_rawset(lua, -3);
    lua_getfield(lua, -1, name);
    HEARTH_ASSERT(lua_isnil(lua, -1));
    lua_pop(lua, 1);
  }
  lua_pop(lua, 2);
}

std::string Seal(std::string_view body) {
  std::string payload(body);
  rdb::PutLittle(payload, uint16_t{10});
  rdb::PutLittle(payload, Crc64(0, payload));
  return payload;
}

std::string Payload(FuzzInput& input) {
  const uint8_t choice = input.Byte() % 4;
  const rdb::Compression compression = input.Byte() % 2 != 0 ? rdb::Compression::kYes : rdb::Compression::kNo;
  std::string_view rest = input.Rest();
  if (choice == 0) return std::string(rest);
  if (choice == 1) return Seal(rest);
  Codes codes;
  for (bool is_last = false; !is_last;) {
    const size_t end = std::min(rest.find('\0'), rest.size());
    std::string code = choice == 2 ? "" : "#!lua name=l" + std::to_string(codes.size()) + "\n";
    code += rest.substr(0, end);
    codes.push_back(std::move(code));
    is_last = end == rest.size();
    rest.remove_prefix(is_last ? end : end + 1);
  }
  return EncodeFunctions(codes, compression);
}

void RunOne(FuzzInput input) {
  static engine::EngineFixture t;
  static HastyClock clock;
  static Runner runner({t.engine, clock, t.log, {}});
  constexpr Existing kAll[] = {Existing::kRefuseSameName, Existing::kReplaceSameName, Existing::kDropAll};
  const Existing existing = kAll[input.Byte() % 3];
  const Result<Codes> codes = DecodeFunctions(Payload(input));
  if (!codes) return HEARTH_ASSERT(!codes.error().message.empty());
  LittleMemory memory;
  FunctionStore store(runner, clock);
  memory.Limit(store.interpreter().lua());
  TakePatternsAway(store.interpreter().lua());
  const std::string kept = "#!lua name=l0\nredis.register_function('kept', function() return 1 end)";
  HEARTH_ASSERT(store.LoadOne(kept, false, true).has_value());
  const Status status = store.LoadAll(*codes, existing, true);
  if (!status) {
    HEARTH_ASSERT(!status.error().message.empty());
    HEARTH_ASSERT(store.Codes() == Codes{kept} && store.Find("KEPT") != nullptr &&
                  store.function_count() == 1);
    return;
  }
  const Codes taken = store.Codes();
  HEARTH_ASSERT(taken.size() == store.libraries().size() && store.function_count() >= taken.size());
  for (const rdb::Compression compression : {rdb::Compression::kYes, rdb::Compression::kNo}) {
    const Result<Codes> again = DecodeFunctions(EncodeFunctions(taken, compression));
    HEARTH_ASSERT(again && *again == taken);
  }
  // A program may look at how much time it has had, or at the order of a table; it seldom does.
  const size_t count = store.function_count();
  if (store.LoadAll(taken, Existing::kDropAll, true)) {
    HEARTH_ASSERT(store.Codes() == taken && store.function_count() == count);
  }
}

}  // namespace
}  // namespace hearth::script

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hearth::script::RunOne(hearth::FuzzInput(data, size));
  return 0;
}
