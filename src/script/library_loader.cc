#include "script/library_loader.h"

#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "script/libraries/libraries.h"
#include "script/redis_api.h"
#include "script/reply_to_lua.h"
#include "script/script_flags.h"

namespace hearth::script {
namespace {

constexpr int kHookCount = 10'000;
constexpr const char* kLoaderSlot = "hearth.loader";

int RefuseWrite(lua_State* lua) { return luaL_error(lua, "Attempt to modify a readonly table"); }

int RefuseRead(lua_State* lua) {
  const char* name = lua_tostring(lua, 2);
  return luaL_error(lua, "Script attempted to access nonexistent global variable '%s'",
                    name != nullptr ? name : "");
}

// Replaces the table on top by an empty one that shows it, in which nothing can be changed, and whose missing
// fields are errors.
void GuardTable(lua_State* lua) {
  lua_createtable(lua, 0, 1);
  lua_pushcfunction(lua, &RefuseRead);
  lua_setfield(lua, -2, "__index");
  lua_setmetatable(lua, -2);
  lua_createtable(lua, 0, 0);
  lua_createtable(lua, 0, 3);
  lua_pushvalue(lua, -3);
  lua_setfield(lua, -2, "__index");
  lua_pushcfunction(lua, &RefuseWrite);
  lua_setfield(lua, -2, "__newindex");
  lua_pushboolean(lua, 0);
  lua_setfield(lua, -2, "__metatable");
  lua_setmetatable(lua, -2);
  lua_remove(lua, -2);
}

std::string_view Text(lua_State* lua, int at) {
  size_t size = 0;
  const char* text = lua_tolstring(lua, at, &size);
  return {text, size};
}

// The flags of the table on top. False if one is unknown.
bool ReadFlags(lua_State* lua, uint32_t* flags) {
  for (int i = 1;; ++i) {
    lua_rawgeti(lua, -1, i);
    if (lua_type(lua, -1) == LUA_TNIL) break;
    const uint32_t flag = lua_type(lua, -1) == LUA_TSTRING ? FindFlag(Text(lua, -1)) : 0;
    lua_pop(lua, 1);
    if (flag == 0) return false;
    *flags |= flag;
  }
  lua_pop(lua, 1);
  return true;
}

// What redis.register_function was given, with the callback's place on the stack. Plain data: errors are
// raised while it is there.
struct Registration {
  std::string_view name;
  std::string_view description;
  bool has_name = false;
  bool has_description = false;
  int callback = 0;
  uint32_t flags = 0;
};

void ReadPositional(lua_State* lua, Registration* to) {
  if (lua_isstring(lua, 1) == 0) {
    RaiseError(lua, "ERR first argument to redis.register_function must be a string");
  }
  if (lua_isfunction(lua, 2) == 0) {
    RaiseError(lua, "ERR second argument to redis.register_function must be a function");
  }
  to->name = Text(lua, 1);
  to->has_name = true;
  to->callback = 2;
}

// The value on top belongs to `key`.
void ReadNamedArgument(lua_State* lua, std::string_view key, Registration* to) {
  if (EqualsIgnoreCase(key, "function_name")) {
    if (lua_isstring(lua, -1) == 0) {
      RaiseError(lua, "ERR function_name argument given to redis.register_function must be a string");
    }
    // As a text of its own that stays on the stack: the table has a number, maybe.
    lua_pushvalue(lua, -1);
    to->name = Text(lua, -1);
    lua_insert(lua, 2);
    to->has_name = true;
    if (to->callback != 0) ++to->callback;
  } else if (EqualsIgnoreCase(key, "description")) {
    if (lua_isstring(lua, -1) == 0) {
      RaiseError(lua, "ERR description argument given to redis.register_function must be a string");
    }
    lua_pushvalue(lua, -1);
    to->description = Text(lua, -1);
    lua_insert(lua, 2);
    to->has_description = true;
    if (to->callback != 0) ++to->callback;
  } else if (EqualsIgnoreCase(key, "callback")) {
    if (lua_isfunction(lua, -1) == 0) {
      RaiseError(lua, "ERR callback argument given to redis.register_function must be a function");
    }
    lua_pushvalue(lua, -1);
    lua_insert(lua, 2);
    to->callback = 2;
  } else if (EqualsIgnoreCase(key, "flags")) {
    if (lua_istable(lua, -1) == 0) {
      RaiseError(lua,
                 "ERR flags argument to redis.register_function must be a table representing function flags");
    }
    if (!ReadFlags(lua, &to->flags)) RaiseError(lua, "ERR unknown flag given");
  } else {
    RaiseError(lua, "ERR unknown argument given to redis.register_function");
  }
}

void ReadNamed(lua_State* lua, Registration* to) {
  for (lua_pushnil(lua); lua_next(lua, 1) != 0; lua_pop(lua, 1)) {
    if (lua_isstring(lua, -2) == 0) {
      RaiseError(lua, "ERR named argument key given to redis.register_function is not a string");
    }
    // A number stays one, or the walk over the table would lose its way.
    ReadNamedArgument(lua, lua_type(lua, -2) == LUA_TSTRING ? Text(lua, -2) : std::string_view("#"), to);
  }
  if (!to->has_name) RaiseError(lua, "ERR redis.register_function must get a function name argument");
  if (to->callback == 0) RaiseError(lua, "ERR redis.register_function must get a callback argument");
}

}  // namespace

struct LibraryLoader::Loading {
  std::string_view body;
  Library& library;
  int64_t deadline_us;  // 0 if there is none
  std::string error;
};

LibraryLoader::LibraryLoader(Runner& runner, env::Clock& clock) : clock_(clock), interpreter_(&runner) {
  lua_State* lua = interpreter_.lua();
  OpenProtectedCalls(lua);
  PushApi(lua, runner, ApiOf::kFunction);
  lua_pushvalue(lua, -1);
  lua_setglobal(lua, "redis");
  lua_setglobal(lua, "server");
  SeedRandom(lua, static_cast<int32_t>(runner.engine().keyspace().random().Next()));
  ProtectGlobals(lua);
  PrepareEnvironment(runner);
}

void LibraryLoader::PrepareEnvironment(Runner& runner) {
  lua_State* lua = interpreter_.lua();
  lua_pushstring(lua, kLoaderSlot);
  lua_pushlightuserdata(lua, this);
  lua_rawset(lua, LUA_REGISTRYINDEX);
  // What a library sees while it loads.
  lua_createtable(lua, 0, 2);
  PushApi(lua, runner, ApiOf::kLoadingLibrary);
  lua_pushlightuserdata(lua, this);
  lua_pushcclosure(lua, &Register, 1);
  lua_setfield(lua, -2, "register_function");
  GuardTable(lua);
  lua_pushvalue(lua, -1);
  lua_setfield(lua, -3, "redis");
  lua_setfield(lua, -2, "server");
  GuardTable(lua);
  loading_globals_ = Interpreter::Keep(lua);
  // The environment that functions keep from then on shows the protected globals, but while a library loads.
  lua_createtable(lua, 0, 0);
  lua_createtable(lua, 0, 3);
  lua_pushcfunction(lua, &RefuseWrite);
  lua_setfield(lua, -2, "__newindex");
  lua_pushvalue(lua, LUA_GLOBALSINDEX);
  lua_setfield(lua, -2, "__index");
  lua_pushvalue(lua, -1);
  environment_rules_ = Interpreter::Keep(lua);
  lua_setmetatable(lua, -2);
  environment_ = Interpreter::Keep(lua);
}

void LibraryLoader::RunCode(lua_State* lua, void* data) {
  auto* loader = static_cast<LibraryLoader*>(data);
  Loading& loading = *loader->loading_;
  if (LoadText(lua, loading.body, "@user_function") != 0) {
    loading.error = fmt::format("Error compiling function: {}", Text(lua, -1));
    return;
  }
  Interpreter::PushKept(lua, loader->environment_);
  lua_setfenv(lua, -2);
  Interpreter::PushKept(lua, loader->environment_rules_);
  Interpreter::PushKept(lua, loader->loading_globals_);
  lua_setfield(lua, -2, "__index");
  lua_pop(lua, 1);
  if (loading.deadline_us != 0) lua_sethook(lua, &Hook, LUA_MASKCOUNT, kHookCount);
  lua_call(lua, 0, 0);
}

void LibraryLoader::Hook(lua_State* lua, lua_Debug*) {
  lua_pushstring(lua, kLoaderSlot);
  lua_rawget(lua, LUA_REGISTRYINDEX);
  const auto* loader = static_cast<const LibraryLoader*>(lua_touserdata(lua, -1));
  lua_pop(lua, 1);
  if (loader->clock_.MonotonicMicros() < loader->loading_->deadline_us) return;
  lua_sethook(lua, &Hook, LUA_MASKLINE | LUA_MASKCOUNT, 1);
  RaiseError(lua, "ERR FUNCTION LOAD timeout");
}

Result<std::shared_ptr<const Library>> LibraryLoader::Load(const std::string& code, bool is_limited) {
  Result<LibrarySource> source = ParseLibrary(code);
  if (!source) return std::unexpected(source.error());
  auto library = std::make_shared<Library>(interpreter_);
  library->name = std::move(source->name);
  library->code = code;
  Loading loading{.body = source->body,
                  .library = *library,
                  .deadline_us = is_limited ? clock_.MonotonicMicros() + kLongestMicros : 0};
  loading_ = &loading;
  const bool is_done = interpreter_.Call(&RunCode, this);
  loading_ = nullptr;
  lua_State* lua = interpreter_.lua();
  lua_sethook(lua, nullptr, 0, 0);
  Interpreter::ScriptError error;
  if (!is_done) error = interpreter_.TakeError();
  // Both fields are there already: nothing is allocated.
  Interpreter::PushKept(lua, environment_rules_);
  lua_pushvalue(lua, LUA_GLOBALSINDEX);
  lua_setfield(lua, -2, "__index");
  lua_pop(lua, 1);
  if (!is_done) return Fail(fmt::format("Error registering functions: {}", error.text));
  if (!loading.error.empty()) return Fail(std::move(loading.error));
  if (library->functions.empty()) return Fail("No functions registered");
  return library;
}

int LibraryLoader::Register(lua_State* lua) {
  LibraryLoader& loader = Of(lua);
  const int count = lua_gettop(lua);
  if (loader.loading_ == nullptr) {
    return RaiseError(lua, "ERR redis.register_function can only be called on FUNCTION LOAD command");
  }
  if (count < 1 || count > 2)
    return RaiseError(lua, "ERR wrong number of arguments to redis.register_function");
  Registration registration;
  if (count == 2) {
    ReadPositional(lua, &registration);
  } else if (lua_istable(lua, 1) != 0) {
    ReadNamed(lua, &registration);
  } else {
    return RaiseError(
        lua,
        "ERR calling redis.register_function with a single argument is only applicable to Lua table "
        "(representing named arguments).");
  }
  if (!IsGoodName(registration.name)) {
    lua_pushliteral(lua, "ERR ");
    lua_pushlstring(lua, kBadName.data(), kBadName.size());
    lua_concat(lua, 2);
    return RaiseError(lua, Text(lua, -1));
  }
  for (const Function& known : loader.loading_->library.functions) {
    if (EqualsIgnoreCase(known.name, registration.name)) {
      return RaiseError(lua, "ERR Function already exists in the library");
    }
  }
  lua_pushvalue(lua, registration.callback);
  lua_Debug place;
  lua_pushvalue(lua, -1);
  lua_getinfo(lua, ">S", &place);
  // Before the line of its `end`, if it has several.
  const int last_line =
      place.lastlinedefined > place.linedefined ? place.lastlinedefined - 1 : place.linedefined;
  const int reference = Interpreter::Keep(lua);
  Function& function = loader.loading_->library.functions.emplace_back();
  function.name = registration.name;
  if (registration.has_description) function.description = registration.description;
  function.flags = registration.flags;
  function.reference = reference;
  function.last_line = last_line;
  return 0;
}

}  // namespace hearth::script
